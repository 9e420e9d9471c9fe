//! Problems: every error that a client can meet, in one table (RFC 9457).
//!
//! The code is stable and is what programs look at. Title and remedy are for people, in English and Chinese. What
//! went wrong inside the registry never stands here; it goes to the registry's own log.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// URI reference of the problem's documentation: `/problems#` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// Stable code.
    pub code: String,
    /// What it means, in English.
    pub title: String,
    /// What it means, in Chinese.
    pub title_zh: String,
    /// HTTP status.
    pub status: u16,
    /// What was wrong with this request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// What to do, in English.
    pub remedy: String,
    /// What to do, in Chinese.
    pub remedy_zh: String,
    /// Identifier of the request, as in the registry's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<String>,
}

macro_rules! problems {
    ($($name:ident $code:literal $status:literal $title:literal $title_zh:literal $remedy:literal $remedy_zh:literal;)*) => {
        /// Codes of all problems.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $(#[doc = $title] $name,)*
        }

        impl ProblemCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable text.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Title in English and Chinese.
            #[must_use]
            pub const fn title(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($title, $title_zh),)* }
            }

            /// Remedy in English and Chinese.
            #[must_use]
            pub const fn remedy(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($remedy, $remedy_zh),)* }
            }
        }
    };
}

problems! {
    MalformedRequest "malformed-request" 400
        "The request cannot be read" "无法读取请求"
        "Compare the request with /openapi.json." "请对照 /openapi.json 检查请求。";
    MalformedJson "malformed-json" 400
        "The body is not strict JSON" "请求正文不是严格的 JSON"
        "Send valid JSON with integers below 2^53 and at most 16 levels." "请发送有效的 JSON：整数小于 2^53，嵌套不超过 16 层。";
    DuplicateName "duplicate-name" 400
        "A member name occurs twice" "JSON 成员名重复"
        "Write each member once." "每个成员只写一次。";
    UnknownField "unknown-field" 400
        "A member is not known" "存在未知成员"
        "Remove it, or use the version of the schema that has it." "请删除该成员，或使用包含它的架构版本。";
    InvalidField "invalid-field" 400
        "A member is missing or has a wrong value" "成员缺失或取值错误"
        "The detail names the member; its form stands in the JSON Schemas." "详情中指出了该成员，格式见 JSON Schema。";
    InvalidIdentifier "invalid-identifier" 400
        "An identifier or digest has a wrong form" "标识符或摘要格式错误"
        "Copy it exactly as the registry gave it." "请原样复制登记处给出的值。";
    InvalidManifest "invalid-manifest" 400
        "Not a C2PA manifest store that can be kept" "不是可保存的 C2PA 清单库"
        "Send the store as its signer signed it; the detail says what does not hold." "请发送签名者签署的原始清单库，详情说明了不成立之处。";
    ManifestConflict "manifest-conflict" 400
        "This manifest label belongs to another store" "该清单标签已属于另一清单库"
        "A label is one store's at a time: fetch the manifest to see which. A signer on a trust list, or a registered picture, may have a better right to it." "一个标签同时只属于一个清单库：可获取该清单查看。签名者在信任列表中，或随登记图片提交，权利更优。";
    MalformedMultipart "malformed-multipart" 400
        "The multipart body cannot be read" "无法读取 multipart 正文"
        "Send one part named photo with the file, and optional text parts." "请发送一个名为 photo 的文件部分，以及可选的文本部分。";
    Unauthenticated "unauthenticated" 401
        "No valid token" "没有有效的令牌"
        "Send Authorization: Bearer with a token that has neither expired nor been revoked." "请在 Authorization: Bearer 中提供未过期且未吊销的令牌。";
    WrongPassword "wrong-password" 401
        "Name or password is wrong" "用户名或密码错误"
        "Try again, or ask your organisation's administrator for a new password." "请重试，或向贵机构管理员申请新密码。";
    Forbidden "forbidden" 403
        "The token does not allow this" "该令牌无此权限"
        "Use a token with the scope that the detail names." "请使用具有详情所述权限的令牌。";
    NotOwner "not-owner" 403
        "It belongs to another organisation" "它属于其他机构"
        "Use a token of that organisation. A C2PA manifest becomes yours when you register the picture that carries it, unless its owner registered one first." "请使用该机构的令牌。登记带有该 C2PA 清单的图片后，清单即归您所有，除非其所有者已先登记。";
    OrganisationSuspended "organisation-suspended" 403
        "The organisation is suspended" "机构已被暂停"
        "Ask the operator of the registry." "请联系登记处运营方。";
    NotFound "not-found" 404
        "Nothing is there" "未找到"
        "Check the path and the identifier." "请检查路径和标识符。";
    MethodNotAllowed "method-not-allowed" 405
        "The path does not know this method" "该路径不支持此方法"
        "See /openapi.json for the methods." "支持的方法见 /openapi.json。";
    Conflict "conflict" 409
        "It exists already, with other content" "已存在且内容不同"
        "Use another name, or look up what exists." "请换一个名称，或查询已有内容。";
    ContentDeleted "content-deleted" 409
        "The reference record of this statement was deleted" "该声明的参考记录已被删除"
        "Register the picture again with a new statement." "请用新的声明重新登记图片。";
    ReceiptPending "receipt-pending" 409
        "The entry is in the log, and not covered by a published checkpoint yet" "条目已入日志，但尚未被已发布的检查点覆盖"
        "Ask again after the time that Retry-After gives." "请在 Retry-After 指定的时间后再次请求。";
    BodyTooLarge "body-too-large" 413
        "The body is too large" "请求正文过大"
        "Send a smaller file or fewer statements; the detail gives the limit." "请发送更小的文件或更少的声明，上限见详情。";
    TooManyPixels "too-many-pixels" 413
        "The picture has too many pixels" "图片像素过多"
        "Scale it down; the detail gives the limit." "请缩小图片，上限见详情。";
    UriTooLong "uri-too-long" 414
        "The address of the request is too long" "请求地址过长"
        "Use the POST form of the query." "请改用 POST 方式查询。";
    UnsupportedMediaType "unsupported-media-type" 415
        "The content type is not accepted here" "不接受该内容类型"
        "The detail names the accepted types." "可接受的类型见详情。";
    UnsupportedPicture "unsupported-picture" 415
        "The picture's format is not supported" "不支持该图片格式"
        "Convert it to JPEG, PNG or WebP." "请转换为 JPEG、PNG 或 WebP。";
    NotAnImage "not-an-image" 422
        "The file is not a picture" "文件不是图片"
        "Send a JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF or BMP file." "请发送 JPEG、PNG、WebP、AVIF、HEIC、GIF、TIFF 或 BMP 文件。";
    CorruptPicture "corrupt-picture" 422
        "The picture is cut off or damaged" "图片不完整或已损坏"
        "Send the file again from its source." "请从来源重新发送文件。";
    PictureTooCostly "picture-too-costly" 422
        "Decoding the picture takes too much time or memory" "解码图片耗费过多时间或内存"
        "Save it again as an ordinary JPEG or PNG." "请另存为普通的 JPEG 或 PNG。";
    MalformedEnvelope "malformed-envelope" 422
        "Not a DSSE envelope of this registry" "不是本登记处的 DSSE 信封"
        "Use an SDK, or see docs/statements.md." "请使用 SDK，或参阅 docs/statements.md。";
    EnvelopeTooLarge "envelope-too-large" 422
        "The envelope is too large for the log" "信封超过日志条目上限"
        "Keep statements below 49,152 bytes; bind large things by their digest." "请将声明保持在 49,152 字节以内，大内容用摘要绑定。";
    UnknownKind "unknown-kind" 422
        "The kind of statement is not known" "未知的声明类型"
        "Use one of the kinds in the JSON Schemas." "请使用 JSON Schema 中列出的类型。";
    WrongAudience "wrong-audience" 422
        "The statement is meant for another registry" "声明的受众是另一登记处"
        "Sign with the audience of this registry: GET /v1/registry." "请使用本登记处的受众重新签名：GET /v1/registry。";
    StaleStatement "stale-statement" 422
        "The statement was signed too long ago or in the future" "声明的签名时间过早或在未来"
        "Set the clock right and sign again." "请校准时钟后重新签名。";
    WrongIssuer "wrong-issuer" 422
        "The issuer is not the caller's organisation" "签发者不是调用方机构"
        "Put the organisation of the token into issuer." "请将令牌所属机构填入 issuer。";
    UnknownKey "unknown-key" 422
        "The signing key does not belong to the issuer" "签名密钥不属于签发者"
        "Sign with a registered key, or have the key added." "请使用已登记的密钥签名，或先登记该密钥。";
    RevokedKey "revoked-key" 422
        "The signing key was revoked" "签名密钥已被吊销"
        "Sign with a valid key." "请使用有效密钥签名。";
    InvalidSignature "invalid-signature" 422
        "The signature does not verify" "签名验证失败"
        "Sign the exact payload bytes with Ed25519 over the DSSE encoding." "请用 Ed25519 对 DSSE 编码后的原始负载签名。";
    WrongRole "wrong-role" 422
        "This organisation may not make this kind of statement" "该机构无权作出此类声明"
        "Merchants register pictures and evidence; AI vendors register outputs." "商家登记图片和证据，AI 厂商登记生成内容。";
    UnboundCode "unbound-code" 422
        "The provider code belongs to another organisation" "该服务提供者编码属于其他机构"
        "Ask the operator to bind the code to your organisation." "请联系运营方将编码绑定到贵机构。";
    UnknownStatement "unknown-statement" 422
        "The statement that is referred to does not exist or is not the issuer's" "所引用的声明不存在或不属于签发者"
        "Refer to a statement of the same issuer." "请引用同一签发者的声明。";
    ContentMismatch "content-mismatch" 422
        "The uploaded content is not what the statement binds" "上传的内容与声明绑定的不一致"
        "Upload exactly the file, or the record, that was signed." "请上传与签名一致的文件或记录。";
    DependencyFailed "dependency-failed" 424
        "Not tried because the batch could not be stored" "批次无法存储，未处理"
        "Send it again." "请重新发送。";
    TooManyRequests "too-many-requests" 429
        "Too many attempts" "请求过于频繁"
        "Wait as long as Retry-After says." "请按 Retry-After 等待后再试。";
    Internal "internal" 500
        "The registry failed" "登记处内部错误"
        "Try again; if it persists, tell the operator the instance." "请重试；若仍失败，请将 instance 告知运营方。";
    Unavailable "unavailable" 503
        "The registry is busy or not ready" "登记处繁忙或未就绪"
        "Try again after the time that Retry-After gives." "请在 Retry-After 指定的时间后重试。";
    LogHalted "log-halted" 503
        "The log has stopped: going on could contradict what it signed" "日志已停止：继续运行可能与已签署的内容矛盾"
        "Nothing was stored. Looking things up still works; tell the operator." "未保存任何内容。查询仍可使用；请告知运营方。";
}

impl ProblemCode {
    /// The code of that text.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|c| c.code() == code)
    }

    /// A problem document for one request.
    #[must_use]
    pub fn document(self, detail: Option<String>, instance: Option<String>) -> Problem {
        let ((title, title_zh), (remedy, remedy_zh)) = (self.title(), self.remedy());
        Problem {
            kind: format!("/problems#{}", self.code()),
            code: self.code().to_owned(),
            title: title.to_owned(),
            title_zh: title_zh.to_owned(),
            status: self.status(),
            detail,
            remedy: remedy.to_owned(),
            remedy_zh: remedy_zh.to_owned(),
            instance,
        }
    }
}

/// The documentation of all problems, in Markdown, English and Chinese.
#[must_use]
pub fn documentation() -> String {
    let mut text = String::from(
        "# Problems 错误\n\nGenerated from the table in the code (`make generate`); do not edit.\n\
         由代码中的表生成（`make generate`），请勿手工修改。\n\n\
         Every error is a problem document (RFC 9457, `application/problem+json`). Programs look at `code`.\n\
         每个错误都是一份问题文档（RFC 9457），程序应读取 `code`。\n\n\
         | code | status | meaning 含义 | remedy 解决办法 |\n|---|---|---|---|\n",
    );
    for code in ProblemCode::ALL {
        let ((title, title_zh), (remedy, remedy_zh)) = (code.title(), code.remedy());
        text +=
            &format!("| `{code}` | {} | {title}<br>{title_zh} | {remedy}<br>{remedy_zh} |\n", code.status());
    }
    text
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_found_again() {
        let codes: HashSet<_> = ProblemCode::ALL.iter().map(|c| c.code()).collect();
        assert_eq!(codes.len(), ProblemCode::ALL.len());
        for code in ProblemCode::ALL {
            assert_eq!(ProblemCode::from_code(code.code()), Some(*code));
            assert!((400..600).contains(&code.status()));
        }
    }
}
