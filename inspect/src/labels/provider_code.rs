//! The 27-character provider code of GB 45438, and the unified social credit code (USCC, GB 32100) inside it.

use thiserror::Error;

/// Length of a provider code.
pub const CODE_LENGTH: usize = 27;
/// Length of a provider code without its extension: it names one organisation.
pub const ORGANISATION_LENGTH: usize = CODE_LENGTH - 5;

/// Digits of base 31: no I, O, S, V, Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
/// Powers of 3 modulo 31, one per character before the check character.
const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

/// What is wrong with a provider code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeFault {
    /// Not 27 characters.
    #[error("a provider code has 27 characters")]
    Length,
    /// A character that is neither a digit nor an uppercase letter.
    #[error("a provider code has digits and uppercase letters only")]
    Characters,
    /// It does not begin with `00`, a digit for the kind of provider and a digit for the kind of number.
    #[error("a provider code begins with 00 and two digits")]
    Prefix,
    /// The check character of the USCC does not fit.
    #[error("the check character of the unified social credit code is wrong")]
    CheckCharacter,
    /// The extension begins with something other than 1 (generation), 2 (propagation) or is not `00000`.
    #[error("the extension of a provider code is 00000 or begins with 1 (generation) or 2 (propagation)")]
    Extension,
}

/// What the extension of a provider code says about the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// 1: it generates content.
    Generation,
    /// 2: it spreads content.
    Propagation,
}

/// The role that the extension of a code of the right length states; `None` for `00000`.
#[must_use]
pub fn role(code: &str) -> Option<Role> {
    match code.as_bytes().get(22) {
        Some(b'1') => Some(Role::Generation),
        Some(b'2') => Some(Role::Propagation),
        _ => None,
    }
}

/// Whether a text is meant as a provider code and not as a name: it has the length of one, or begins like one and
/// falls short of or exceeds it by a few characters.
#[must_use]
pub fn is_meant(text: &str) -> bool {
    let length = text.chars().count();
    let alike = || text.starts_with("001") && text.bytes().all(|b| b.is_ascii_alphanumeric());
    length == CODE_LENGTH || (22..=32).contains(&length) && alike()
}

/// Whether `code` is an 18-character unified social credit code with the right check character.
#[must_use]
pub fn is_uscc(code: &str) -> bool {
    let value = |c: u8| ALPHABET.iter().position(|&a| a == c);
    let Some((&last, first)) = code.as_bytes().split_last() else {
        return false;
    };
    if first.len() != WEIGHTS.len() {
        return false;
    }
    let mut sum = 0;
    for (&c, weight) in first.iter().zip(WEIGHTS) {
        let Some(digit) = value(c) else { return false };
        sum += digit * weight;
    }
    value(last) == Some((31 - sum % 31) % 31)
}

/// Checks the form of a provider code: `00`, kind of provider, kind of number, number, extension. The number
/// is checked where it is a USCC (kind 1).
///
/// # Errors
/// The first [`CodeFault`] found.
pub fn check(code: &str) -> Result<(), CodeFault> {
    let bytes = code.as_bytes();
    if bytes.len() != CODE_LENGTH {
        return Err(CodeFault::Length);
    }
    if !bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return Err(CodeFault::Characters);
    }
    // All characters are ASCII from here on, so that every index is a character boundary.
    let (prefix, rest) = code.split_at(4);
    let (number, extension) = rest.split_at(18);
    if !prefix.starts_with("00") || !prefix.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CodeFault::Prefix);
    }
    if prefix.ends_with('1') && !is_uscc(number) {
        return Err(CodeFault::CheckCharacter);
    }
    if extension == "00000" || extension.starts_with(['1', '2']) { Ok(()) } else { Err(CodeFault::Extension) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_seen_in_real_files_pass() {
        for code in [
            "001191110102MACQD9K64010000",
            "00119144030008867405X210001",
            "00119144030008867405X220001",
            "001191440101MA9Y9T4H7A00000",
            "001191440300708461136T1WFUO",
            "001191310104MACE0YX63918020",
            "001191110102MACQD9K64018705",
            "001191440300708461136T1XGW3",
        ] {
            assert_eq!(check(code), Ok(()), "{code}");
        }
        for uscc in [
            "91110102MACQD9K640",
            "9144030008867405X2",
            "91440101MA9Y9T4H7A",
            "91330106MA2CFLDG4R",
            "91110108335469089C",
            "91440300708461136T",
            "91340100MAEB4N8H76",
            "91110000802100433B",
            "91110105MACJ6K1C8A",
            "91110108MACC4D63XF",
            "91440300MA5G49LC9K",
            "91310104MACE0YX639",
            "91110102MAD55U9H0F",
        ] {
            assert!(is_uscc(uscc), "{uscc}");
        }
    }

    #[test]
    fn every_single_wrong_digit_is_noticed() {
        let good = "91110102MACQD9K640";
        for at in 0..good.len() {
            for &c in ALPHABET {
                let mut bad = good.as_bytes().to_vec();
                if bad[at] != c {
                    bad[at] = c;
                    assert!(!is_uscc(std::str::from_utf8(&bad).unwrap()), "{at} {c}");
                }
            }
        }
        assert!(!is_uscc(""));
        assert!(!is_uscc("91110102MACQD9K64I"));
    }

    #[test]
    fn each_fault_has_its_name() {
        assert_eq!(check("kling"), Err(CodeFault::Length));
        assert_eq!(check("001191110102macqd9k64010000"), Err(CodeFault::Characters));
        assert_eq!(check("011191110102MACQD9K64010000"), Err(CodeFault::Prefix));
        assert_eq!(check("001191110102MACQD9K64110000"), Err(CodeFault::CheckCharacter));
        assert_eq!(check("001191110102MACQD9K64030000"), Err(CodeFault::Extension));
        assert_eq!(check("001191110102MACQD9K64000001"), Err(CodeFault::Extension));
        assert_eq!(
            check("\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}\u{4E2D}"),
            Err(CodeFault::Characters)
        );
    }
}
