//! `label` in Chinese.

use super::Page;

pub(super) const PAGES: &[Page] = &[Page {
    path: "label",
    about: "在文件的副本中写入 AI 标识",
    after: "\
示例:
  AI 服务，生成文件时：写明名称和编号，并说明其类型
    touchstone label --producer CODE --content-id 'batch7-{stem}' \\
        --source-type trainedAlgorithmicMedia --out labelled/ *.png
  …… 并为标识（SM2）和文件（C2PA）签名
    touchstone label --producer CODE --content-id 'batch7-{stem}' \\
        --source-type trainedAlgorithmicMedia --sm2-key sm2.pem \\
        --c2pa-cert chain.pem --c2pa-key signer.pem --out labelled/ *.png
  平台，传播文件时：在已有标识中加入自己的名称和编号
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --out spread/ uploads/*
  …… 并标识上传者声明为 AI 生成的文件
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --basis declared --out spread/ declared/*
  先查看将会做什么
    touchstone label --propagate --propagator CODE --propagate-id 'n-{stem}' \\
        --dry-run uploads/*

文件中已有的内容绝不替换、减弱或删除，已有文件绝不覆盖。已有标识的文件不会再加
第二个：平台用 --propagate 补充。编号中的 {stem} 代表不带扩展名的文件名。
清单覆盖标识，因此二者在同一次调用中写入；经编辑或传播的文件，其原清单保留在
新清单之内。
使用 --json 时，每行为 {\"file\", \"output\", \"sha256\", \"gb45438\",
\"digital_source_type\", \"c2pa\", \"unchanged\"}。",
    arguments: &[
        ("gb45438", "GB 45438 的隐式标识：JSON 文件，键为 Label、ContentProducer、ProduceID 等"),
        ("producer", "服务提供者的名称或 27 位编码（ContentProducer）"),
        ("content_id", "服务提供者为该内容所编的编号（ProduceID）"),
        (
            "attribute",
            "由 AI 生成的确定程度（Label）。confirmed：由 AI 生成（属于）；possible：用户声明（可能）；\
             suspected：发现痕迹（疑似）",
        ),
        (
            "no_propagator",
            "ContentPropagator 和 PropagateID 留空。首次写入时，这两项默认与生成方相同（附录 E）",
        ),
        (
            "sm2_key",
            "用此 SM2 私钥（PEM）将签名写入 ReservedCode1（TC260 PG-202511A）。生成密钥：\
             openssl genpkey -algorithm SM2",
        ),
        (
            "sm2_form",
            "SM2 密钥所签的内容。message：GB/T 32918.2 规定的消息，e = SM3(Z || M)；digest：部分生成方采用的 SM3 摘要，\
             e = SM3(Z || SM3(M))",
        ),
        (
            "propagate",
            "在文件已有的标识中加入传播者的字段，生成方的字段保持不变。没有标识但带有 AI 痕迹的文件，标识为疑似",
        ),
        ("propagator", "传播该文件的服务的名称或 27 位编码（ContentPropagator）"),
        ("propagate_id", "传播者为该内容所编的编号（PropagateID）"),
        ("propagator_integrity", "传播者的完整性数据（ReservedCode2）"),
        (
            "basis",
            "没有标识的文件因何获得标识。declared：上传者声明由 AI 生成（可能）；detected：检测到可见标识或痕迹（疑似）",
        ),
        ("source_type", "要写入的 IPTC 数字来源类型，例如 trainedAlgorithmicMedia。C2PA 清单也会写明"),
        ("system", "清单中的系统名称；默认为生成方或传播者"),
        ("system_version", "系统的版本"),
        ("c2pa_cert", "证书（PEM）：签名者的在前，其后为中间证书，不含根证书"),
        ("c2pa_key", "签名者的私钥，PKCS#8 PEM：Ed25519、P-256 或 P-384，与证书一致"),
        ("edited", "文件经该系统编辑：原文件成为清单的父级"),
        ("ingredient", "置入文件中的图片。可重复"),
        ("out", "写入的位置：文件夹；只有一个文件时也可为文件名"),
        ("dry_run", "只演练，不写入：显示每个文件将得到什么，或为何不能"),
        ("files", "要标识的文件：JPEG、PNG 或 WebP；隐式标识还可写入 MP4、M4A 和 MOV"),
    ],
}];
