//! `register`, `check` and `inspect` in Chinese.

use super::Page;

pub(super) const PAGES: &[Page] = &[
    Page {
        path: "register",
        about: "签署并登记图片或 AI 生成内容",
        after: "\
示例:
  touchstone register --key shop.pem --view listing photos/*.jpg
  touchstone register --key shop.pem --view packing --product SKU-17 packed.jpg
  touchstone register --key shop.pem --no-pixels photos/*.jpg  # 图片不离开本机
  touchstone register --key ai.pem --output --label label.json out.png

声明是公开的：--product 中请勿填写订单号或任何个人信息。
使用 --json 时，每行为 {\"file\", \"statement\", \"log_index\", \"accepted_at\",
\"duplicate\", \"observed_at_index\", \"searchable\", \"receipt\"}。",
        arguments: &[
            ("view", "图片在交易中的用途：listing（商品图）、packing（打包）或 shipping（发货）"),
            ("product", "商品编号。公开"),
            ("output", "登记 AI 系统的生成内容；须同时给出 --label"),
            ("label", "生成内容的标识：格式为 OutputLabel 的 JSON 文件"),
            (
                "other_label",
                "即使文件自带的标识写明其他生成方或编号也予以登记：该内容由带标识的图片制成，并保留了那张图片的标识。\
                 不加此选项时拒绝此类文件",
            ),
            ("parent", "制作生成内容所用的图片：文件或 SHA-256。可重复"),
            (
                "reference",
                "登记处为每张图片保留的内容：codes（可被找到，不显示改动）、sketch（192 像素）、\
                 detail（1024 像素，能显示细裂纹）。默认商品图为 detail，其他为 sketch",
            ),
            ("receipts", "将每个声明及其收据保存到此文件夹：ID.json 和 ID.tlog-proof"),
            (
                "policy",
                "收据须满足此策略文件才会保存，见 touchstone log policy。未给出时，以登记处所述的日志密钥为准",
            ),
            ("no_pixels", "不发送像素，只发送在本机计算的指纹。登记处因此无法核验"),
            ("files", "要登记的文件"),
        ],
    },
    Page {
        path: "check",
        about: "向登记处查询照片",
        after: "\
示例:
  touchstone check refund.jpg
  touchstone check --order-time 2026-11-20T08:00:00Z \\
      --claim-time 2026-11-25T10:00:00+08:00 claims/*.jpg
  touchstone check --overlay seen/ refund.jpg  # 标出改动之处的图片

结论说明对图片已知的情况，从不评判人的行为。时间决定登记是否作数：只有在下单
（或发货）之前登记的才作数。
使用 --json 时，每行为 {\"file\", \"check\", \"conclusion\", \"recommendation\",
\"match\", \"alterations\", \"overlays\", \"findings\", \"reason\", \"limits\",
\"milliseconds\"}。",
        arguments: &[
            ("order_time", "下单时间（RFC 3339）"),
            ("dispatch_time", "发货时间"),
            ("claim_time", "提出索赔的时间"),
            ("product", "商品，按卖家的说法"),
            ("seller", "卖家，按平台的称呼"),
            ("claim", "平台自己的索赔编号。请勿填写个人信息"),
            (
                "overlay",
                "存放图片的文件夹，图中标出改动和覆盖的区域：NAME.mask.png 和 NAME.overlay.png；\
                 同名的第二张照片为 NAME-2，依此类推",
            ),
            ("files", "要检查的照片"),
        ],
    },
    Page {
        path: "inspect",
        about: "显示文件自身携带的信息：摘要、指纹、标识、C2PA。无需登记处",
        after: "\
示例:
  touchstone inspect photo.jpg
  touchstone inspect --c2pa-trust-list C2PA-TRUST-LIST.pem --json claims/*.jpg

不发送任何内容，也不下载文件中引用的任何内容。每个标识都显示其级别（未签名、
已签名、已验证）、所在位置和字段，与标准不符之处各占一行。视频、音频和 PDF
文档不解码，只显示标识。未发现标识，绝不表示图片由人制作。",
        arguments: &[
            ("producer_keys", "AI 标识生成方的 SM2 公钥，JSON 或 PEM：由其中密钥签名的标识为“已验证”"),
            ("c2pa_trust_list", "C2PA 信任列表，PEM"),
            ("c2pa_interim_list", "已冻结的过渡列表，PEM"),
            ("c2pa_registrants", "登记处自有注册方的证书，PEM"),
            ("c2pa_time_stamp_list", "C2PA 时间戳机构列表，PEM。未给出时，所有签名均按当前时间判定"),
            ("c2pa_identities", "CAWG 身份声明中个人和机构的证书，PEM"),
            ("c2pa_identity_aggregator", "其 CAWG 身份凭证可信的聚合方的去中心化标识符（DID）。可重复"),
            ("no_thumbnail", "即使终端支持，也不显示图片"),
            ("files", "要查看的文件"),
        ],
    },
];
