//! The page that the `type` of every problem document points to.

use super::escape;
use std::fmt::Write as _;
use touchstone_schema::problem::ProblemCode;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Problems · 问题列表 · Touchstone</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<p><a href="/">Touchstone 试金石</a></p>
<h1>Problems <span lang="zh">问题列表</span></h1>
<p>Every error is answered with a problem document (RFC 9457). Programs look at <code>code</code>; the member
<code>instance</code> names the request in the registry's log.</p>
<p lang="zh">所有错误均以问题文档（RFC 9457）返回。程序请依据 <code>code</code> 判断；<code>instance</code> 对应登记处日志中的请求编号。</p>
<table>
<thead><tr><th>Status <span lang="zh">状态</span></th><th>Code <span lang="zh">代码</span></th>
<th>Meaning <span lang="zh">含义</span></th><th>What to do <span lang="zh">处理方法</span></th></tr></thead>
<tbody>
"#;

/// The table as HTML.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for code in ProblemCode::ALL {
        let ((title, title_zh), (remedy, remedy_zh)) = (code.title(), code.remedy());
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            page,
            "<tr id=\"{id}\"><td>{status}</td><td><a href=\"#{id}\"><code>{id}</code></a></td>\
             <td>{title}<br><span lang=\"zh\">{title_zh}</span></td>\
             <td>{remedy}<br><span lang=\"zh\">{remedy_zh}</span></td></tr>",
            id = code.code(),
            status = code.status(),
            title = escape(title),
            title_zh = escape(title_zh),
            remedy = escape(remedy),
            remedy_zh = escape(remedy_zh),
        );
    }
    page.push_str("</tbody>\n</table>\n</body>\n</html>\n");
    page
}
