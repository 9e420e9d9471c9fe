//! `statement` and `admin` in Chinese.

use super::Page;

const ID: (&str, &str) = ("id", "其标识符");
const OUT: (&str, &str) = ("out", "写入此文件，而不输出到终端");
const ORGANISATION: (&str, &str) = ("organisation", "机构的标识符");
const REASON: (&str, &str) = ("reason", "原因。公开");

pub(super) const PAGES: &[Page] = &[
    Page { path: "statement", about: "查看日志中的声明", after: "", arguments: &[] },
    Page { path: "statement show", about: "显示日志中的声明", after: "", arguments: &[ID] },
    Page {
        path: "statement receipt",
        about: "获取收据，即日志包含该声明的证明；会等待生成，仅在成立时给出",
        after: "",
        arguments: &[
            ID,
            (
                "policy",
                "收据须满足的策略文件，见 touchstone log policy。未给出时，以登记处所述的日志密钥为准",
            ),
            OUT,
        ],
    },
    Page {
        path: "statement envelope",
        about: "获取信封原文：验证收据时所用",
        after: "",
        arguments: &[ID, OUT],
    },
    Page {
        path: "statement upload",
        about: "为上传失败的声明补传文件",
        after: "",
        arguments: &[ID, ("file", "当时登记的文件")],
    },
    Page {
        path: "statement delete-record",
        about: "删除声明的指纹、参考图和文件名。声明本身保留",
        after: "",
        arguments: &[ID],
    },
    Page {
        path: "admin", about: "管理机构、密钥、编码、令牌和用户", after: "", arguments: &[]
    },
    Page {
        path: "admin organisation",
        about: "接纳、列出、显示和暂停机构（运营方）",
        after: "",
        arguments: &[],
    },
    Page {
        path: "admin organisation create",
        about: "接纳机构。其首个令牌仅显示一次",
        after: "\
示例:
  touchstone admin organisation create --name 'Tea House' --role merchant \\
      --public-key shop.pem.pub --json

使用 --key 时，还用该公钥对应的私钥签署申请方持有密钥的证明。
使用 --json 时，输出一行 {\"organisation\", \"token\", \"key\", \"log_index\"}。",
        arguments: &[
            ("name", "公开名称，在登记处内唯一"),
            (
                "role",
                "可做的事：merchant（商家）、ai-vendor（AI 厂商）、platform（平台）或 regulator（监管机构）",
            ),
            ("public_key", "其公钥：touchstone keygen 生成的 FILE.pub"),
            ("recovery_key", "其恢复密钥的公钥"),
            ("provider_code", "属于该机构的服务提供者编码。可重复"),
        ],
    },
    Page { path: "admin organisation list", about: "列出所有机构", after: "", arguments: &[] },
    Page {
        path: "admin organisation show", about: "显示一个机构", after: "", arguments: &[ORGANISATION]
    },
    Page {
        path: "admin organisation suspend",
        about: "暂停机构：自此拒绝其声明",
        after: "",
        arguments: &[ORGANISATION, REASON],
    },
    Page { path: "admin key", about: "添加和吊销密钥（运营方）", after: "", arguments: &[] },
    Page {
        path: "admin key add",
        about: "为机构添加密钥",
        after: "",
        arguments: &[ORGANISATION, ("public_key", "公钥文件")],
    },
    Page {
        path: "admin key revoke",
        about: "吊销密钥",
        after: "",
        arguments: &[
            ORGANISATION,
            ("key_id", "密钥的标识符"),
            REASON,
            ("suspect_from_index", "自此日志序号起的条目可能系伪造"),
        ],
    },
    Page {
        path: "admin code", about: "绑定 GB 45438 的服务提供者编码（运营方）", after: "", arguments: &[]
    },
    Page {
        path: "admin code bind",
        about: "将服务提供者编码绑定到机构",
        after: "",
        arguments: &[ORGANISATION, ("code", "编码，与 ContentProducer 中的一致")],
    },
    Page { path: "admin token", about: "创建、列出和吊销令牌", after: "", arguments: &[] },
    Page {
        path: "admin token create",
        about: "创建令牌。仅显示一次",
        after: "",
        arguments: &[
            ("organisation", "令牌属于哪个机构；仅运营方需要填写"),
            ("scope", "所许可的权限。可重复"),
            ("days", "有效天数，1 至 3650"),
            ("name", "便于辨认的名称"),
        ],
    },
    Page {
        path: "admin token list", about: "列出本机构的令牌，不含其密文", after: "", arguments: &[]
    },
    Page { path: "admin token revoke", about: "吊销令牌", after: "", arguments: &[ID] },
    Page { path: "admin user", about: "创建控制台用户", after: "", arguments: &[] },
    Page {
        path: "admin user create",
        about: "创建控制台用户。会询问密码，或从输入的第一行读取",
        after: "",
        arguments: &[("name", "登录名，3 至 64 个字符，可用 a-z 0-9 . _ - @")],
    },
];
