//! The Chinese of every command, argument and heading. The tests of [`super`] hold it to the definition.

mod admin;
mod files;
mod label;
mod log;

/// A command in Chinese.
#[derive(Debug)]
pub(super) struct Page {
    /// The words that call it, behind `touchstone`.
    pub(super) path: &'static str,
    pub(super) about: &'static str,
    /// What follows its options, if anything.
    pub(super) after: &'static str,
    /// Its arguments by their names in the definition.
    pub(super) arguments: &'static [(&'static str, &'static str)],
}

impl Page {
    pub(super) fn argument(&self, id: &str) -> Option<&'static str> {
        self.arguments.iter().find(|(name, _)| *name == id).map(|(_, text)| *text)
    }
}

pub(super) const PAGES: [&[Page]; 5] = [TOP, files::PAGES, label::PAGES, log::PAGES, admin::PAGES];

/// The command that these words call.
pub(super) fn page(path: &str) -> Option<&'static Page> {
    PAGES.into_iter().flatten().find(|page| page.path == path)
}

pub(super) fn heading(english: &str) -> Option<&'static str> {
    Some(match english {
        "Global options" => "全局选项",
        "Producer" => "生成方",
        "Propagator" => "传播者",
        "C2PA manifest" => "C2PA 清单",
        _ => return None,
    })
}

const TOP: &[Page] = &[
    Page {
        path: "",
        about: "登记图片和 AI 生成内容，检查照片，读取文件自身携带的信息",
        after: "\
示例:
  touchstone keygen --out shop.pem
  touchstone login --url https://registry.example
  touchstone register --key shop.pem --view listing photos/*.jpg
  touchstone check --order-time 2026-11-20T08:00:00Z refund.jpg
  touchstone inspect refund.jpg
  touchstone label --producer ACME --content-id 2026-17 --out labelled/ out.png

设置：选项优先于其环境变量，环境变量优先于 touchstone login 保存的内容。

退出状态:
  0  每个文件都有答案，或命令已完成
  1  有文件失败，其余已有答案；错误信息说明了解决办法
  2  用法有误：选项、密钥文件或设置
  3  无法连接登记处，或应答的不是登记处
  4  登记处拒绝
  5  日志有误，或收据不能证明任何内容（log verify、log monitor、
     verify-receipt、register --receipts、statement receipt）
  6  有告警（log monitor --once）
  7  回答计入了尚未发布的条目（log verify --answer）",
        arguments: &[
            ("url", "登记处的地址"),
            ("token", "API 令牌。建议使用环境变量或 touchstone login：其他用户能看到命令行选项"),
            ("key", "签署声明的私钥文件，见 touchstone keygen"),
            (
                "json",
                "输出 JSON：每个文件或答案一个对象，各占一行。失败的文件带有 error，内含 code、title 和 remedy；\
                 声明已登记的还带有 statement；运行提前停止而没有结果的还带有 \"tried\": false",
            ),
            ("lang", "供人阅读的文字所用的语言。默认取自 LC_ALL 或 LANG"),
        ],
    },
    Page {
        path: "keygen",
        about: "生成签名密钥：FILE（私钥，权限 0600）和 FILE.pub",
        after: "\
示例:
  touchstone keygen --out shop.pem
  touchstone keygen --recovery --out recovery.pem   # 此密钥请离线保存

请将 FILE.pub 交给登记处运营方。密钥不会被覆盖。",
        arguments: &[
            ("out", "私钥写入的位置"),
            ("recovery", "生成恢复密钥，用于更换或吊销签名密钥。它不应存放在任何服务器上"),
        ],
    },
    Page {
        path: "login",
        about: "保存登记处的地址和令牌",
        after: "\
示例:
  touchstone login --url https://registry.example
  touchstone login --url https://registry.example --user ann
  printf '%s\\n' \"$SECRET\" | touchstone login --url https://registry.example

会询问令牌；使用 --user 时询问密码。没有终端时，从输入的第一行读取。",
        arguments: &[("user", "以此用户名和密码登录，而不使用令牌")],
    },
    Page { path: "logout", about: "清除保存的地址和令牌", after: "", arguments: &[] },
    Page {
        path: "registry", about: "显示登记处的名称、密钥和日志条目数", after: "", arguments: &[]
    },
    Page {
        path: "completions",
        about: "输出 shell 的补全脚本",
        after: "",
        arguments: &[("shell", "所用的 shell")],
    },
];
