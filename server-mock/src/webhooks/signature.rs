//! Signatures by the Standard Webhooks scheme.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What every secret begins with.
const PREFIX: &str = "whsec_";

/// The block of SHA-256, which HMAC is built on.
const BLOCK: usize = 64;

/// The key in a secret, or `None` where it is none: `whsec_` and the base64 of 24 to 64 bytes.
pub(crate) fn decode_secret(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    (24..=64).contains(&key.len()).then_some(key)
}

/// A key as people get to see it.
pub(crate) fn encode_secret(key: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key))
}

/// The header `webhook-signature`: an entry for each secret that is valid.
pub(crate) fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let entries = secrets.into_iter().filter_map(|secret| {
        let key = decode_secret(secret)?;
        Some(format!("v1,{}", STANDARD.encode(hmac(&key, &signed))))
    });
    entries.collect::<Vec<_>>().join(" ")
}

/// HMAC-SHA256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    // A secret has at most the length of a block; longer keys would have to be hashed first.
    block
        .iter_mut()
        .zip(key)
        .for_each(|(place, byte)| *place = *byte);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36));
    let inner = inner.chain_update(message).finalize();
    let outer = Sha256::new().chain_update(padded(0x5c));
    outer.chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn the_test_vector_of_the_reference_library() {
        let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let expected = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(sign([SECRET], id, 1_649_367_553, body), expected);
        let both = sign([SECRET, SECRET], id, 1_649_367_553, body);
        assert_eq!(both, format!("{expected} {expected}"));
        assert_ne!(sign([SECRET], id, 1_649_367_554, body), expected);
    }

    #[test]
    fn a_secret_has_its_prefix_and_its_length() {
        assert_eq!(decode_secret(SECRET).map(|key| key.len()), Some(24));
        assert_eq!(encode_secret(&decode_secret(SECRET).unwrap()), SECRET);
        for bad in [
            "",
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "whsec_",
            "whsec_AAAA",
            "whsec_?",
        ] {
            assert_eq!(decode_secret(bad), None, "{bad}");
        }
        assert!(decode_secret(&encode_secret(&[7; 64])).is_some());
        assert!(decode_secret(&encode_secret(&[7; 65])).is_none());
    }
}
