//! Signatures of notifications, as Standard Webhooks has them: written by the sender, judged here.
//!
//! The recipe stands at the top of `listener`, for those who verify in another language. Nothing
//! here reads the clock or says why in public: that is the receiver's.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::Sha256;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const PREFIX: &str = "whsec_";
const VERSION: &str = "v1,";

/// Reads base64 with and without its padding: secrets are pasted by hand.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret shared with the sender: `whsec_` and the base64 of its bytes.
///
/// ```
/// use tmf683_client::listener::Secret;
///
/// let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
/// assert_eq!(format!("{secret:?}"), "Secret(..)");
/// ```
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

/// A text that is no secret. It is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is `whsec_` and the base64 of at least one byte")]
pub struct InvalidSecret;

impl FromStr for Secret {
    type Err = InvalidSecret;

    fn from_str(text: &str) -> Result<Self, InvalidSecret> {
        let encoded = text.trim();
        let encoded = encoded.strip_prefix(PREFIX).unwrap_or(encoded);
        let bytes = LENIENT.decode(encoded).map_err(|_| InvalidSecret)?;
        if bytes.is_empty() {
            return Err(InvalidSecret);
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| InvalidSecret)
    }
}

/// The secret is never shown.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// The `webhook-signature` of a body that is sent under `id` at `timestamp` (seconds since
    /// 1970). Senders need it, and those who try out a listener.
    ///
    /// ```
    /// # use tmf683_client::listener::Secret;
    /// let secret: Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
    /// assert_eq!(
    ///     secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, br#"{"test": 2432232314}"#),
    ///     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    /// );
    /// ```
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let code = self.code(id, &timestamp.to_string(), body).finalize().into_bytes();
        format!("{VERSION}{}", STANDARD.encode(code))
    }

    fn code(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            code.update(part);
        }
        code
    }
}

/// What is wrong with a signature. Harmless to tell: the sender knows it all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsigned {
    #[error("the header `{0}` is missing or no text")]
    Missing(&'static str),
    #[error("`webhook-timestamp` is not a count of seconds")]
    NoTime,
    #[error("`webhook-timestamp` is too long ago, or a clock is wrong")]
    TooOld,
    #[error("`webhook-timestamp` is in the future, or a clock is wrong")]
    Early,
    #[error("no signature in `webhook-signature` is right")]
    Wrong,
}

/// The headers of a signed notification, as they came.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    id: &'a str,
    timestamp: &'a str,
    signatures: &'a str,
}

impl<'a> Signed<'a> {
    /// Reads the headers, and judges the time by a clock that says `now`. The body is not needed,
    /// so that none is read for those who have no secret at all.
    pub(crate) fn read(
        headers: &'a HeaderMap,
        now: SystemTime,
        tolerance: Duration,
    ) -> Result<Self, Unsigned> {
        let text = |name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or(Unsigned::Missing(name))
        };
        let (id, timestamp, signatures) = (text(ID)?, text(TIMESTAMP)?, text(SIGNATURE)?);
        let seconds: u64 = timestamp.parse().map_err(|_| Unsigned::NoTime)?;
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let tolerance = tolerance.as_secs();
        if now.saturating_sub(seconds) > tolerance {
            return Err(Unsigned::TooOld);
        }
        if seconds.saturating_sub(now) > tolerance {
            return Err(Unsigned::Early);
        }
        Ok(Self { id, timestamp, signatures })
    }

    /// Whether one of the signatures was made with one of the secrets. Compares in constant time.
    pub(crate) fn judge(&self, secrets: &[Secret], body: &[u8]) -> Result<(), Unsigned> {
        let known = self.signatures.split(' ').filter_map(|one| one.strip_prefix(VERSION));
        let given: Vec<_> = known.filter_map(|text| STANDARD.decode(text).ok()).collect();
        for secret in secrets {
            let code = secret.code(self.id, self.timestamp, body);
            if given.iter().any(|signature| code.clone().verify_slice(signature).is_ok()) {
                return Ok(());
            }
        }
        Err(Unsigned::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ROTATED: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const TOLERANCE: Duration = Duration::from_secs(300);
    const SENT: u64 = 1_614_265_330;

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn secrets() {
        let bare = SECRET.trim_start_matches(PREFIX);
        for text in [SECRET, bare, &format!("{SECRET}\n"), "whsec_YQ==", "whsec_YQ"] {
            assert!(text.parse::<Secret>().is_ok(), "{text}");
        }
        for text in ["", "whsec_", "whsec_?", "not base64", "WHSEC_YQ=="] {
            assert_eq!(text.parse::<Secret>().unwrap_err(), InvalidSecret, "{text}");
        }
    }

    #[test]
    fn signatures() {
        let body = br#"{"eventId":"e"}"#;
        let (old, new) = (secret(SECRET), secret(ROTATED));
        let right = old.sign("e", SENT, body);
        let other = new.sign("e", SENT, body);
        let check = |signatures: &str, secrets: &[Secret], body: &[u8], right: bool| {
            let headers =
                headers(&[(ID, "e"), (TIMESTAMP, &SENT.to_string()), (SIGNATURE, signatures)]);
            let now = UNIX_EPOCH + Duration::from_secs(SENT);
            let judged = Signed::read(&headers, now, TOLERANCE).unwrap().judge(secrets, body);
            assert_eq!(judged, if right { Ok(()) } else { Err(Unsigned::Wrong) }, "{signatures}");
        };
        let (only, both) = (std::slice::from_ref(&old), [new, old.clone()]);
        check(&right, only, body, true);
        check(&right, &both, body, true);
        check(&other, &both, body, true);
        check(&format!("{other} {right}"), only, body, true);
        check(&format!("v1a,AAAA  v1,? {right} v2,BBBB"), only, body, true);
        check(&other, only, body, false);
        check(&right, only, br#"{"eventId":"f"}"#, false);
        check(&right, only, b"", false);
        check(&right, &[], body, false);
        check(&old.sign("f", SENT, body), only, body, false);
        check(&old.sign("e", SENT + 1, body), only, body, false);
        check(&right.replace("v1,", "v2,"), only, body, false);
        check(&right.replace("v1,", ""), only, body, false);
        check(&right[..20], only, body, false);
        for garbage in ["", " ", "v1", "v1,", "v1,,", "v1,====", "v1,AA==", "v1,{}"] {
            check(garbage, only, body, false);
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_is_right_and_what_is_changed_is_not(
            key in vec(any::<u8>(), 1..100),
            id in "[!-~]{1,40}",
            mut body in vec(any::<u8>(), 1..200),
            at in any::<Index>(),
        ) {
            let secret = secret(&format!("{PREFIX}{}", STANDARD.encode(key)));
            let signature = secret.sign(&id, SENT, &body);
            let headers =
                headers(&[(ID, &id), (TIMESTAMP, &SENT.to_string()), (SIGNATURE, &signature)]);
            let now = UNIX_EPOCH + Duration::from_secs(SENT);
            let signed = Signed::read(&headers, now, TOLERANCE).unwrap();
            let secrets = [secret];
            prop_assert_eq!(signed.judge(&secrets, &body), Ok(()));
            let at = at.index(body.len());
            body[at] ^= 1;
            prop_assert_eq!(signed.judge(&secrets, &body), Err(Unsigned::Wrong));
        }

        #[test]
        fn no_header_breaks_it(id in ".*", timestamp in "[0-9]{0,25}|.*", signatures in "(v1,)?.*") {
            let pairs = [(ID, id), (TIMESTAMP, timestamp), (SIGNATURE, signatures)];
            let texts = pairs.iter().filter_map(|(name, text)| {
                Some((name.parse().ok()?, http::HeaderValue::from_bytes(text.as_bytes()).ok()?))
            });
            let headers: HeaderMap = texts.collect();
            if let Ok(signed) = Signed::read(&headers, UNIX_EPOCH, TOLERANCE) {
                prop_assert_eq!(signed.judge(&[secret(SECRET)], b""), Err(Unsigned::Wrong));
            }
        }
    }

    #[test]
    fn times() {
        let check = |timestamp: &str, expected: Option<Unsigned>| {
            let headers = headers(&[(ID, "e"), (TIMESTAMP, timestamp), (SIGNATURE, "v1,")]);
            let now = UNIX_EPOCH + Duration::from_secs(SENT);
            let read = Signed::read(&headers, now, TOLERANCE).map(|_| ());
            assert_eq!(read.err(), expected, "{timestamp}");
        };
        check("1614265330", None);
        check("1614265030", None);
        check("1614265029", Some(Unsigned::TooOld));
        check("0", Some(Unsigned::TooOld));
        check("1614265630", None);
        check("1614265631", Some(Unsigned::Early));
        check(&u64::MAX.to_string(), Some(Unsigned::Early));
        for garbage in ["", "-1", "1.5", "soon", "99999999999999999999999", "2021-02-25T15:02:10Z"]
        {
            check(garbage, Some(Unsigned::NoTime));
        }
    }

    #[test]
    fn headers_that_are_missing_or_no_text() {
        let now = UNIX_EPOCH + Duration::from_secs(SENT);
        let whole = headers(&[(ID, "e"), (TIMESTAMP, "1614265330"), (SIGNATURE, "v1,")]);
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut without = whole.clone();
            without.remove(name);
            let read = Signed::read(&without, now, TOLERANCE);
            assert_eq!(read.unwrap_err(), Unsigned::Missing(name));
            let mut bytes = whole.clone();
            bytes.insert(name, http::HeaderValue::from_bytes(b"\xff").unwrap());
            assert_eq!(Signed::read(&bytes, now, TOLERANCE).unwrap_err(), Unsigned::Missing(name));
        }
    }
}
