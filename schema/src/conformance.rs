//! How a label in a file departs from its standard: stable codes with words in English and Chinese.
//!
//! Labels are read with tolerance and judged strictly: everything unusual about one becomes a finding here, and none
//! of them keeps the label from being reported. Sources: GB 45438-2025 clause 6.1 and Annex E (keys, values,
//! characters, carriers, one label per file), the coding rule of its 27-character provider code, GB 32100-2015 (check
//! character), the IPTC digital source type vocabulary.

use crate::verdict::Bilingual;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One departure of a label from its standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelFinding {
    /// What programs look at; stable.
    pub code: LabelFindingCode,
    /// Key of the field that it is about, as in the standard.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What stands in the file instead, shortened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// For people.
    pub text: Bilingual,
}

/// How many characters of the file a finding repeats.
pub const MAX_DETAIL: usize = 40;

impl LabelFinding {
    /// A finding about the label as a whole.
    #[must_use]
    pub fn new(code: LabelFindingCode) -> Self {
        Self::build(code, None, None)
    }

    /// A finding about one field.
    #[must_use]
    pub fn of_field(code: LabelFindingCode, field: &str) -> Self {
        Self::build(code, Some(field.to_owned()), None)
    }

    /// With what stands in the file, cut to [`MAX_DETAIL`] characters, control characters left out.
    #[must_use]
    pub fn found(self, detail: &str) -> Self {
        let detail: String = detail.chars().filter(|c| !c.is_control()).take(MAX_DETAIL).collect();
        Self::build(self.code, self.field, Some(detail))
    }

    fn build(code: LabelFindingCode, field: Option<String>, detail: Option<String>) -> Self {
        let (en, zh) = code.words();
        let of = |text: &str, colon: &str, open: &str, close: &str| {
            let mut whole = field.as_ref().map(|field| format!("{field}{colon}")).unwrap_or_default();
            whole.push_str(text);
            if let Some(detail) = &detail {
                whole.push_str(&format!("{open}{detail}{close}"));
            }
            whole
        };
        let text = Bilingual::new(of(en, ": ", " (\"", "\")"), of(zh, "：", "（“", "”）"));
        Self { code, field, detail, text }
    }
}

macro_rules! codes {
    ($($name:ident $code:literal $en:literal $zh:literal;)*) => {
        /// Codes of all findings about labels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum LabelFindingCode {
            $(#[doc = $en] #[serde(rename = $code)] $name,)*
        }

        impl LabelFindingCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable text.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, in English and Chinese.
            #[must_use]
            pub const fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($en, $zh),)* }
            }
        }
    };
}

codes! {
    Unreadable "unreadable"
        "the label is too long or cannot be inflated, and was not read" "标识过长或无法解压，未读取";
    NotJson "not_json"
        "the label is not a JSON object" "标识不是 JSON 对象";
    OtherForm "other_form"
        "a service's own form of label, not that of Annex E" "服务商自有格式的标识，不是附录 E 的格式";
    EscapedTwice "escaped_twice"
        "the JSON text is escaped once more than its carrier asks for" "JSON 文本比载体要求多转义了一次";
    KeyMissing "key_missing"
        "the key is missing" "缺少该字段";
    KeyMisspelt "key_misspelt"
        "the key is written otherwise" "字段名写法有误";
    KeyUnknown "key_unknown"
        "a key that is not in the standard" "标准中没有的字段";
    ValueNotString "value_not_string"
        "the value is not a string" "值不是字符串";
    LabelValue "label_value"
        "the value is not \"1\", \"2\" or \"3\"" "取值不是 \"1\"、\"2\" 或 \"3\"";
    ValueEmpty "value_empty"
        "the value is empty" "值为空";
    CharacterSet "character_set"
        "a character that the standard does not allow (space, backslash, non-ASCII or control)"
        "含有标准不允许的字符（空格、反斜杠、非 ASCII 或控制字符）";
    CodeLength "code_length"
        "a provider code has 27 characters" "服务提供者编码应为 27 个字符";
    CodeCharacters "code_characters"
        "a provider code has digits and uppercase letters only" "服务提供者编码只含数字和大写字母";
    CodePrefix "code_prefix"
        "a provider code begins with 00, the kind of provider and the kind of number"
        "服务提供者编码以 00、主体类型和证件类型开头";
    CodeCheckCharacter "code_check_character"
        "the check character of the unified social credit code is wrong" "统一社会信用代码校验位不正确";
    CodeExtension "code_extension"
        "the extension of a provider code is 00000 or begins with 1 (generation) or 2 (propagation)"
        "服务提供者编码的扩展位应为 00000，或以 1（生成合成）或 2（传播）开头";
    CodeRole "code_role"
        "the code's extension states the other role: 1 is for producers, 2 for propagators"
        "编码扩展位与角色不符：1 用于生成合成，2 用于传播";
    PropagatorWithoutId "propagator_without_id"
        "a propagator is named, but its number of the content is missing" "写有传播者，但缺少传播编号";
    IdWithoutPropagator "id_without_propagator"
        "a propagation number stands without the propagator that gave it" "写有传播编号，但缺少传播者";
    LabelRepeated "label_repeated"
        "the file has an implicit label before this one; one is allowed" "文件中在此之前已有隐式标识；只允许一个";
    LabelContradicts "label_contradicts"
        "it says something else than the file's first implicit label" "与文件中第一个隐式标识内容不一致";
    CarrierNotNamed "carrier_not_named"
        "not a place that the standard names for this format" "不是标准为该格式规定的存放位置";
    NamespaceForeign "namespace_foreign"
        "the AIGC property is not in the TC260 namespace" "AIGC 属性不在 TC260 命名空间中";
    SourceTypeUnknown "source_type_unknown"
        "not a term of the IPTC digital source type vocabulary" "不是 IPTC 数字来源类型词表中的术语";
    SourceTypeNotUri "source_type_not_uri"
        "the term stands without the address of its vocabulary" "术语缺少词表地址";
    SourceTypeRetired "source_type_retired"
        "a retired term of the vocabulary" "词表中已停用的术语";
    SourceTypeMissing "source_type_missing"
        "AI properties stand without a digital source type" "写有 AI 属性，但缺少数字来源类型";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_snake_case_distinct_and_the_same_on_the_wire() {
        let codes: BTreeSet<&str> = LabelFindingCode::ALL.iter().map(|code| code.code()).collect();
        assert_eq!(codes.len(), LabelFindingCode::ALL.len());
        for code in LabelFindingCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.code());
            assert!(code.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
            let (en, zh) = code.words();
            assert!(en.is_ascii() && !zh.is_ascii(), "{en} / {zh}");
        }
    }

    #[test]
    fn words_name_the_field_and_what_was_found() {
        let finding =
            LabelFinding::of_field(LabelFindingCode::KeyMisspelt, "ReservedCode1").found("Reserve\nCode1");
        assert_eq!(finding.detail.as_deref(), Some("ReserveCode1"));
        assert_eq!(finding.text.en, "ReservedCode1: the key is written otherwise (\"ReserveCode1\")");
        assert_eq!(finding.text.zh, "ReservedCode1：字段名写法有误（“ReserveCode1”）");
        let long = LabelFinding::new(LabelFindingCode::KeyUnknown).found(&"\u{4E2D}".repeat(100));
        assert_eq!(long.detail.map(|d| d.chars().count()), Some(MAX_DETAIL));
        let wire = serde_json::to_string(&finding).unwrap();
        assert_eq!(serde_json::from_str::<LabelFinding>(&wire).unwrap(), finding);
    }

    #[test]
    fn documentation_names_every_code() {
        let table = include_str!("../../docs/labels.md");
        for code in LabelFindingCode::ALL {
            assert!(table.contains(&format!("| `{}` |", code.code())), "{}", code.code());
        }
    }
}
