//! Signatures of notifications, by which a listener knows that this server sent them
//! ([Standard Webhooks](https://www.standardwebhooks.com)).
//!
//! ```text
//! webhook-id:        eventId
//! webhook-timestamp: seconds since 1970, of this attempt
//! webhook-signature: v1,base64(HMAC-SHA256(secret, id "." timestamp "." body)) *( " " … )
//! ```
//!
//! Secrets stand in a file, one a line, as `whsec_` and the base64 of 24 to 64 bytes. With several,
//! each signs: listeners move from the old to the new one at their own time.

use anyhow::{Context as _, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::path::Path;

/// What a secret starts with.
const PREFIX: &str = "whsec_";

/// The secrets notifications are signed with. Never printed.
#[derive(Clone)]
pub struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    /// Reads the secrets. Empty lines and lines starting with `#` do not count.
    ///
    /// # Errors
    /// The file cannot be read, has no secret, or a line that is none: named by its number.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let place = || format!("delivery.secret_file {}", path.display());
        let text = std::fs::read_to_string(path).with_context(place)?;
        Self::of_lines(&text).with_context(place)
    }

    fn of_lines(text: &str) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().map(str::trim).enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(key(line).with_context(|| format!("line {}", number + 1))?);
            }
        }
        ensure!(!keys.is_empty(), "no secret in it");
        Ok(Self(keys))
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let signature = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} secrets)", self.0.len())
    }
}

/// What is wrong is told without repeating any of the secret.
fn key(line: &str) -> anyhow::Result<Hmac<Sha256>> {
    let Some(encoded) = line.strip_prefix(PREFIX) else { bail!("a secret starts with {PREFIX}") };
    let Ok(bytes) = STANDARD.decode(encoded) else { bail!("not base64 after {PREFIX}") };
    ensure!((24..=64).contains(&bytes.len()), "a secret has 24 to 64 bytes, not {}", bytes.len());
    Hmac::new_from_slice(&bytes).context("not a key")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the specification's libraries are tested with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn signed(secrets: &str) -> String {
        let signer = Signer::of_lines(secrets).unwrap();
        signer.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
    }

    #[test]
    fn as_the_specification_says() {
        assert_eq!(signed(SECRET), SIGNATURE);
    }

    #[test]
    fn each_secret_signs() {
        let other = format!("whsec_{}", STANDARD.encode([7; 64]));
        let lines = format!("# new\n  {other}\r\n\n# old\n{SECRET}\n");
        assert_eq!(signed(&lines), format!("{} {SIGNATURE}", signed(&other)));
    }

    #[test]
    fn whatever_is_no_secret_is_refused_by_its_line() {
        for (text, expected) in [
            ("", "no secret in it"),
            ("# only words\n\n", "no secret in it"),
            ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "line 1: a secret starts with whsec_"),
            ("\nwhsec_", "line 2: a secret has 24 to 64 bytes, not 0"),
            ("whsec_MfKQ!", "line 1: not base64 after whsec_"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "line 1: not base64 after whsec_"),
            ("whsec_c2hvcnQ=", "line 1: a secret has 24 to 64 bytes, not 5"),
        ] {
            let told = format!("{:#}", Signer::of_lines(text).unwrap_err());
            assert_eq!(told, expected);
            assert!(!told.contains("MfKQ"), "{told}");
        }
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        assert!(Signer::of_lines(&long).is_err());
    }

    #[test]
    fn secrets_are_not_printed() {
        let signer = Signer::of_lines(SECRET).unwrap();
        assert_eq!(format!("{signer:?}"), "Signer(1 secrets)");
        let missing = Signer::read(Path::new("no/such/file")).unwrap_err();
        assert!(format!("{missing:#}").starts_with("delivery.secret_file no/such/file"));
    }
}
