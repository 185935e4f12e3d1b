//! Signatures by the Standard Webhooks scheme.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
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

/// How deliveries are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureScheme {
    /// Standard Webhooks, HMAC-SHA256: `webhook-signature: v1,...`.
    V1,
    /// Standard Webhooks, ed25519: `webhook-signature: v1a,...`. The key is made from the secret;
    /// `GET /__mock/webhook-keys` shows the public one.
    V1a,
    /// The header of Stripe, `Stripe-Signature: t=...,v1=...`, beside the others.
    Stripe,
}

impl std::str::FromStr for SignatureScheme {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "v1" => Ok(Self::V1),
            "v1a" if cfg!(feature = "program") => Ok(Self::V1a),
            "v1a" => Err("v1a is not part of this build".to_owned()),
            "stripe" => Ok(Self::Stripe),
            _ => Err(format!("`{name}` is none of v1, v1a, stripe")),
        }
    }
}

/// The entry of a header `webhook-signature`, as the mock signs its deliveries: for tests of
/// receivers. `None` where the secret is none, or the scheme has no such entry.
///
/// ```
/// use langflow_mock::{SignatureScheme, sign_webhook};
///
/// let signed = sign_webhook(
///     SignatureScheme::V1,
///     "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
///     "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
///     1_649_367_553,
///     br#"{"email":"test@example.com","username":"test_user"}"#,
/// );
/// assert_eq!(signed.as_deref(), Some("v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="));
/// ```
pub fn sign_webhook(
    scheme: SignatureScheme,
    secret: &str,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Option<String> {
    let key = decode_secret(secret)?;
    let mut signed = format!("{id}.{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    match scheme {
        SignatureScheme::V1 => Some(format!("v1,{}", STANDARD.encode(hmac(&key, &signed)))),
        #[cfg(feature = "program")]
        SignatureScheme::V1a => {
            let signature = key_pair(&key)?.sign(&signed);
            Some(format!("v1a,{}", STANDARD.encode(signature)))
        }
        _ => None,
    }
}

/// The value of a header `Stripe-Signature`. Its key is the whole secret, prefix included.
///
/// ```
/// let signed = langflow_mock::sign_stripe("whsec_test_secret", 1_700_000_000, b"{}");
/// assert!(signed.starts_with("t=1700000000,v1="));
/// ```
pub fn sign_stripe(secret: &str, timestamp: i64, body: &[u8]) -> String {
    let mut signed = format!("{timestamp}.").into_bytes();
    signed.extend_from_slice(body);
    let digits = hmac(secret.as_bytes(), &signed);
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={timestamp},v1={digits}")
}

/// The key that a secret of a webhook stands for where signatures are asymmetric.
#[cfg(feature = "program")]
fn key_pair(key: &[u8]) -> Option<ring::signature::Ed25519KeyPair> {
    let seed = Sha256::digest([b"v1a".as_slice(), key].concat());
    ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).ok()
}

/// The public key that verifies entries `v1a`: `whpk_` and base64; `None` where there is none.
pub(crate) fn public_key(secret: &str) -> Option<String> {
    #[cfg(feature = "program")]
    {
        use ring::signature::KeyPair;
        let pair = key_pair(&decode_secret(secret)?)?;
        Some(format!("whpk_{}", STANDARD.encode(pair.public_key())))
    }
    #[cfg(not(feature = "program"))]
    {
        let _ = secret;
        None
    }
}

/// What a delivery is signed with.
#[derive(Debug, Clone, Default)]
pub(super) struct Signed {
    /// The header `webhook-signature`, if there is one.
    pub(super) standard: Option<String>,
    /// The header `Stripe-Signature`, if there is one.
    pub(super) stripe: Option<String>,
}

/// Signs with every secret that is valid, in every way that is asked for.
pub(super) fn sign_all(
    schemes: &[SignatureScheme],
    secrets: &[&str],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> Signed {
    let entries = schemes.iter().flat_map(|scheme| {
        let one = |secret: &&str| sign_webhook(*scheme, secret, id, timestamp, body);
        secrets.iter().filter_map(one)
    });
    let entries = entries.collect::<Vec<_>>();
    let stripe = schemes.contains(&SignatureScheme::Stripe).then(|| {
        let mut all = secrets.iter().map(|it| sign_stripe(it, timestamp, body));
        let mut header = all.next().unwrap_or_default();
        // The others only add their digits.
        for other in all {
            header.push(',');
            header.push_str(other.split_once(',').map_or("", |(_, it)| it));
        }
        header
    });
    Signed {
        standard: (!entries.is_empty()).then(|| entries.join(" ")),
        stripe,
    }
}

/// The header `webhook-signature`: an entry for each secret that is valid.
#[cfg(test)]
pub(crate) fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a str>,
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> String {
    let entries = secrets
        .into_iter()
        .filter_map(|secret| sign_webhook(SignatureScheme::V1, secret, id, timestamp, body));
    entries.collect::<Vec<_>>().join(" ")
}

/// HMAC-SHA256 (RFC 2104).
pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0; BLOCK];
    let hashed;
    let key = match key.len() > BLOCK {
        true => {
            hashed = Sha256::digest(key);
            hashed.as_slice()
        }
        false => key,
    };
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

    #[test]
    fn stripe_signs_with_the_whole_secret() {
        // Computed with Python's hmac, as stripe-python does it.
        let header = sign_stripe("whsec_test_secret", 1_700_000_000, b"{\"id\":\"evt_1\"}");
        let digits = "248a374f50f943a28b0f6ab50faf9a7e7e29b710fa26df9fb1618b9bf8ea9c9a";
        assert_eq!(header, format!("t=1700000000,v1={digits}"));
        let all = [SignatureScheme::Stripe];
        let signed = sign_all(&all, &["whsec_test_secret", SECRET], "m", 1, b"{}");
        assert_eq!(signed.standard, None);
        let stripe = signed.stripe.unwrap();
        assert_eq!(stripe.matches(",v1=").count(), 2, "{stripe}");
    }

    #[cfg(feature = "program")]
    #[test]
    fn an_asymmetric_signature_fits_its_public_key_and_nothing_else() {
        use ring::signature::{ED25519, UnparsedPublicKey};
        let entry = sign_webhook(SignatureScheme::V1a, SECRET, "msg", 7, b"{}").unwrap();
        let signature = STANDARD
            .decode(entry.strip_prefix("v1a,").unwrap())
            .unwrap();
        let public = public_key(SECRET).unwrap();
        let public = STANDARD
            .decode(public.strip_prefix("whpk_").unwrap())
            .unwrap();
        let key = UnparsedPublicKey::new(&ED25519, public);
        assert!(key.verify(b"msg.7.{}", &signature).is_ok());
        assert!(key.verify(b"msg.8.{}", &signature).is_err());
    }
}
