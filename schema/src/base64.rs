//! Standard base64 with padding (RFC 4648, section 4), read in its one canonical form.

use data_encoding::BASE64;

/// The bytes that `text` encodes, or `None` if an encoder would not have written it so.
///
/// The library reads encodings one after another too, each with its padding: `ew==fQ==` as `e30=`. Texts that
/// are signed, logged and compared must have one form, so padding stands at the end alone.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let is_one = !text.trim_end_matches('=').contains('=');
    is_one.then(|| BASE64.decode(text.as_bytes()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_what_an_encoder_writes_is_read(text in "[A-Za-z0-9+/]{0,9}={0,3}[A-Za-z0-9+/]{0,6}={0,3}", bytes: Vec<u8>) {
            prop_assert_eq!(decode(&BASE64.encode(&bytes)), Some(bytes));
            if let Some(read) = decode(&text) {
                prop_assert_eq!(BASE64.encode(&read), text);
            }
        }
    }

    #[test]
    fn departures_are_refused() {
        for text in
            ["ew==fQ==", "ew==e30=", "e30=e30=", "e30", "e30==", "e31=", "e30=\n", "=", "e3_=", "e 0="]
        {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
