//! `log` and `verify-receipt` in Chinese.

use super::Page;

const POLICY: (&str, &str) = ("policy", "策略文件（C2SP tlog-policy），见 touchstone log policy");
const LOG_KEY: (&str, &str) = ("log_key", "日志的验证密钥，用以代替策略：不要求联署");
const OPERATOR_KEY: (&str, &str) = ("operator_key", "运营方公钥。未给出时，取日志第二个条目所述的公钥");
const PLACE: (&str, &str) = ("place", "登记处的地址，或存放日志文件的目录。默认为所配置的登记处");

pub(super) const PAGES: &[Page] = &[
    Page { path: "log", about: "验证和跟踪登记处的日志", after: "", arguments: &[] },
    Page {
        path: "log verify",
        about: "验证整个日志：每个瓦片、条目、签名和准入",
        after: "\
示例:
  touchstone log policy https://registry.example > policy.txt
  touchstone log verify --policy policy.txt https://registry.example
  touchstone log verify --policy policy.txt --state audit.json --history \\
      https://registry.example
  touchstone log verify --policy policy.txt --answer answer.json /srv/mirror/log

请通过其他渠道核对策略中的日志密钥。
状态为 FILE 和 FILE.entries 两个文件，FILE.lock 防止其他进程同时使用。中断的运行
从该处继续；之后的运行验证新增内容，以及日志是否仍以此前已验证的内容开头。
使用 --json 时，每个问题为一行 {\"finding\", ...}；最后一行为
{\"verified\", \"origin\", \"size\", \"root\", \"from\", \"findings\", \"witnesses\",
\"history\", \"pending\", \"answers\"}。

退出状态:
  0  全部成立
  1  文件或标准输出无法读写
  2  用法有误：选项、策略、状态文件，或所给文件不是回答
  3  无法读取日志
  4  登记处拒绝提供日志文件
  5  日志有误：问题说明了位置
  7  全部成立，但有回答计入了尚未发布的条目：请稍后再查",
        arguments: &[
            POLICY,
            LOG_KEY,
            ("hashes_only", "只验证哈希，不检查条目内容"),
            ("state", "从此文件所载的已验证之处继续，并更新该文件"),
            OPERATOR_KEY,
            ("answer", "与日志核对的登记处签名回答。可重复"),
            ("history", "同时验证登记处曾发布的每个检查点。须为登记处，不能是目录"),
            PLACE,
        ],
    },
    Page {
        path: "log monitor",
        about: "跟踪日志，并告知与您有关的内容",
        after: "\
示例:
  touchstone log monitor --policy policy.txt --state seen.json \\
      --organisation org_... https://registry.example
  touchstone log monitor --policy policy.txt --state seen.json \\
      --code ACME --once https://registry.example
  touchstone log monitor --policy policy.txt --state seen.json \\
      --rules rules.toml https://registry.example

rules.toml，各项均可省略:
  organisations = [\"org_...\"]    # 您的机构：其图片、编码和密钥从日志中得知
  codes = [\"ACME\"]               # 您的服务提供者编码
  keys = [\"64 位十六进制\"]       # 可使用这些编码的密钥
  pictures = [\"sha256\"]          # 您的图片
  [alerts]
  labels = \"all\"                 # off、own 或 all；withdrawals、deletions、
                                 # keys、organisations 同此
  policies = false

策略中写明地址的见证人（witness NAME KEY URL）会被询问最近联署了什么：历史不同，
或三次查看后仍多于日志所示，即为问题。不应答的见证人只作提示。
监视中断后，同一告警可能重复，但绝不遗漏。
使用 --json 时，每个告警为一行 {\"alert\", \"log_index\", \"statement\",
\"issuer\", ...}，每个问题为一行 {\"finding\", ...}。

使用 --once 时的退出状态:
  0  已验证，无事可报
  1  文件或标准输出无法写入：未能告知的下次再报
  2  用法有误：选项、策略、规则或状态文件
  3  无法读取日志
  4  登记处拒绝提供日志文件
  5  日志有误
  6  已验证，且至少有一个告警",
        arguments: &[
            POLICY,
            LOG_KEY,
            (
                "state",
                "迄今所见；不存在时创建。可与 touchstone log verify 先后共用：后者已验证的内容，监视时仍会告知",
            ),
            ("rules", "规则文件，TOML"),
            ("organisation", "您的机构。可重复"),
            ("code", "您的服务提供者编码或名称。可重复"),
            ("own_key", "可使用您的编码的公钥。可重复；默认为您各机构的全部密钥"),
            ("picture", "您的图片。可重复"),
            ("since", "此序号之前的条目只用于了解情况，不作告知"),
            OPERATOR_KEY,
            ("interval", "两次查看检查点之间的秒数"),
            ("max_age", "检查点上最近的联署距今超过此秒数时，报告为问题。日志无人写入时不会发布新的检查点"),
            ("once", "只查看一次即结束"),
            PLACE,
        ],
    },
    Page {
        path: "log policy",
        about: "输出初始策略文件：信任哪个日志，要求谁的联署",
        after: "",
        arguments: &[("place", "登记处的地址。默认为所配置的登记处")],
    },
    Page {
        path: "log answer",
        about: "获取签名回答：日志中恰有这些条目绑定某图片或登记某标识",
        after: "\
示例:
  touchstone log answer --sha256 e3b0... --out answer.json
  touchstone log answer --producer ACME --content-id 2026-17 --out answer.json
  touchstone log verify --policy policy.txt --answer answer.json",
        arguments: &[
            ("sha256", "文件的摘要，或去除 C2PA 清单后的摘要"),
            ("producer", "标识的生成方"),
            ("content_id", "生成方为该内容所编的编号"),
            ("out", "写入此文件，而不输出到终端"),
        ],
    },
    Page {
        path: "verify-receipt",
        about: "离线验证日志包含某声明",
        after: "\
示例:
  touchstone verify-receipt --policy policy.txt \\
      --envelope stm_X.json stm_X.tlog-proof

无需网络。它证明日志包含该声明以及由谁作证；只有使用 --signer 时才证明声明由谁
作出。

退出状态:
  0  收据证明了这一点
  1  文件无法读取，或标准输出无法写入
  2  用法有误：选项或策略
  5  不能证明任何内容",
        arguments: &[
            POLICY,
            LOG_KEY,
            ("envelope", "声明的信封，须逐字节一致"),
            ("signer", "签发者的公钥文件：同时验证其签名"),
            ("receipt", "收据（C2SP tlog-proof）"),
        ],
    },
];
