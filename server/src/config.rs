//! Settings: flag over `TMF683_*` over file over default; unknown keys are refused.
//!
//! The defaults are a commented file, `config.default.toml`, which `default-config` prints. Secrets
//! are never settings, only the names of files that hold them.

mod store_url;

use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use store_url::{PostgresUrl, Replica, ReplicaUrl, StoreUrl};

/// The commented defaults.
pub const DEFAULT_TOML: &str = include_str!("../config.default.toml");

/// Largest `json_depth`. What is stored is some levels deeper than what v4 sends, and has to be read
/// again by a parser that stops at 127.
const MOST_DEPTH: usize = 100;

/// Smallest `replica.staleness_ms`: how far the database has got is looked for every 100 ms.
const LEAST_STALENESS_MS: u64 = 200;

/// Everything that can be set; the meaning of each is told in `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Settings {
    pub listen: SocketAddr,
    pub store: StoreUrl,
    pub replica: Replica,
    pub public_url: PublicUrl,
    pub explain: bool,
    pub auth: Auth,
    pub limits: Limits,
    pub paging: Paging,
    pub idempotency: Idempotency,
    pub delivery: Delivery,
    pub events: Events,
    pub log: Log,
    pub shutdown: Shutdown,
}

/// `[auth]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Auth {
    pub token_file: PathBuf,
    pub allow_anonymous: bool,
}

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Limits {
    pub body_bytes: usize,
    pub body_seconds: u64,
    pub json_depth: usize,
    pub array_items: usize,
    pub json_values: usize,
    pub url_bytes: usize,
    pub conditions: usize,
    pub regex_bytes: usize,
    pub jsonpath_bytes: usize,
    pub page_items: u64,
    pub stream_stall_seconds: u64,
    pub scan_documents: u64,
    pub index_cache_bytes: usize,
    pub patch_operations: usize,
    pub document_bytes: usize,
    pub write_queue: usize,
    pub write_queue_bytes: usize,
    pub write_batch: NonZeroUsize,
    pub requests: NonZeroUsize,
    pub bodies_bytes: usize,
    pub connections: usize,
}

/// `[paging]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Paging {
    pub partial_status: PartialStatus,
}

/// How a page says that there are others (TMF630 "Paging").
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "u16")]
pub enum PartialStatus {
    /// 200: by its headers alone.
    Ok,
    /// 206: by its status too.
    PartialContent,
}

impl TryFrom<u16> for PartialStatus {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        match status {
            200 => Ok(Self::Ok),
            206 => Ok(Self::PartialContent),
            _ => Err("paging.partial_status: expected 200 or 206".into()),
        }
    }
}

/// `[idempotency]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Idempotency {
    pub hours: u32,
}

/// `[delivery]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Delivery {
    pub enabled: bool,
    pub subscriptions: u32,
    pub connections: NonZeroUsize,
    pub requests: NonZeroUsize,
    pub timeout_seconds: u64,
    pub retry_seconds: Vec<u64>,
    pub retry_after_most_seconds: u64,
    pub lease_seconds: u64,
    pub allow_loopback: AllowLoopback,
    pub allow_link_local: bool,
    pub allow_private: bool,
    pub secret_file: PathBuf,
}

/// `[events]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Events {
    pub retention_hours: u32,
    pub retention_count: u64,
    pub prune_beyond_cursors: bool,
    pub streams: u32,
}

/// Whether callbacks may lead to this machine.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum AllowLoopback {
    /// Where only this machine can register one.
    Auto,
    /// Whoever registers it.
    Always,
    /// By nobody.
    Never,
}

impl AllowLoopback {
    /// The decision for a server that listens there.
    pub fn by(self, listen: SocketAddr) -> bool {
        match self {
            Self::Auto => listen.ip().is_loopback(),
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
    pub access: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[shutdown]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Shutdown {
    pub grace_seconds: u64,
}

/// Where clients reach us, without a slash at the end; `None`: by the Host header.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub struct PublicUrl(pub Option<String>);

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let url = url::Url::parse(&text).map_err(|e| format!("public_url: {e}"))?;
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !plain || !anonymous {
            return Err("public_url: expected http(s)://host[:port][/path] and nothing more".into());
        }
        Ok(Self(Some(url.as_str().trim_end_matches('/').to_owned())))
    }
}

/// Settings given on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// `--store`
    pub store: Option<String>,
    /// `--public-url`
    pub public_url: Option<String>,
    /// `--allow-anonymous`
    pub allow_anonymous: bool,
    /// `--explain`
    pub explain: bool,
}

/// Why the settings cannot be used; one line, for the person who started the server.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A key is unknown or a value does not fit. The text says all there is to say.
    #[error("{0}")]
    Invalid(String),
    /// Open to the network without authentication.
    #[error(
        "listen: {0} is not a loopback address, so auth.token_file is needed (or --allow-anonymous)"
    )]
    OpenToAll(SocketAddr),
    /// A lease that an attempt could outlive, or one that nobody would ever take over.
    #[error(
        "delivery.lease_seconds: must be at least three times delivery.timeout_seconds, which is at \
         least 1, and at most 86400"
    )]
    Lease,
}

impl From<config::ConfigError> for SettingsError {
    fn from(error: config::ConfigError) -> Self {
        Self::Invalid(match error {
            config::ConfigError::FileParse { uri, cause } => {
                // The parser draws a picture; its first and last line say it.
                let picture = cause.to_string();
                let mut lines = picture.lines().filter(|line| !line.trim().is_empty());
                let place = lines.next().unwrap_or_default();
                let problem = lines.next_back().unwrap_or_default();
                format!("{}: {place}: {problem}", uri.as_deref().unwrap_or("settings"))
            }
            other => other.to_string(),
        })
    }
}

impl Settings {
    /// Reads the settings from flags, the process environment, the file and the defaults.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key.
    pub fn load(flags: &Flags) -> Result<Self, SettingsError> {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("TMF683_"));
        Self::from_sources(flags, variables.collect())
    }

    /// The defaults and the flags alone, without the environment; for tests and embedders.
    ///
    /// # Errors
    /// [`SettingsError`] naming the key.
    pub fn with_flags(flags: &Flags) -> Result<Self, SettingsError> {
        Self::from_sources(flags, config::Map::new())
    }

    fn from_sources(
        flags: &Flags,
        mut variables: config::Map<String, String>,
    ) -> Result<Self, SettingsError> {
        let named_by_environment = variables.remove("TMF683_CONFIG").map(PathBuf::from);
        let environment = Environment::with_prefix("TMF683")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(variables));
        let mut sources =
            Config::builder().add_source(File::from_str(DEFAULT_TOML, FileFormat::Toml));
        if let Some(path) = flags.config.as_ref().or(named_by_environment.as_ref()) {
            sources = sources.add_source(File::new(&path.to_string_lossy(), FileFormat::Toml));
        }
        let settings: Self = sources
            .add_source(environment)
            .set_override_option("listen", flags.listen.clone())?
            .set_override_option("store", flags.store.clone())?
            .set_override_option("public_url", flags.public_url.clone())?
            .set_override_option("explain", flags.explain.then_some(true))?
            .set_override_option("auth.allow_anonymous", flags.allow_anonymous.then_some(true))?
            .build()?
            .try_deserialize()?;
        settings.checked()
    }

    /// Fails closed: a listening address others can reach needs tokens or an explicit word, and two
    /// processes must never deliver one event at once.
    fn checked(self) -> Result<Self, SettingsError> {
        if self.limits.json_depth > MOST_DEPTH {
            let told = format!("limits.json_depth: expected {MOST_DEPTH} at most");
            return Err(SettingsError::Invalid(told));
        }
        if self.limits.bodies_bytes < self.limits.body_bytes {
            let told = "limits.bodies_bytes: expected limits.body_bytes at least".to_owned();
            return Err(SettingsError::Invalid(told));
        }
        if self.replica.staleness_ms < LEAST_STALENESS_MS {
            let told = format!("replica.staleness_ms: expected at least {LEAST_STALENESS_MS}");
            return Err(SettingsError::Invalid(told));
        }
        if let (StoreUrl::Sqlite(_), Some(_)) = (&self.store, &self.replica.url.0) {
            let told = "replica.url: only a PostgreSQL database has replicas".to_owned();
            return Err(SettingsError::Invalid(told));
        }
        let Delivery { lease_seconds, timeout_seconds, .. } = self.delivery;
        let shortest = timeout_seconds.max(1).saturating_mul(3);
        if timeout_seconds == 0 || !(shortest..=86_400).contains(&lease_seconds) {
            return Err(SettingsError::Lease);
        }
        let closed = self.listen.ip().is_loopback()
            || self.auth.token_file != Path::new("")
            || self.auth.allow_anonymous;
        if closed { Ok(self) } else { Err(SettingsError::OpenToAll(self.listen)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(address: &str) -> Flags {
        Flags { listen: Some(address.into()), ..Flags::default() }
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, Flags) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let flags = Flags { config: Some(file.path().into()), ..Flags::default() };
        (file, flags)
    }

    #[test]
    fn the_defaults_are_complete() {
        let settings = Settings::with_flags(&Flags::default()).unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8683");
        assert_eq!(settings.store, StoreUrl::Sqlite("./tmf683.db".into()));
        assert_eq!(settings.public_url, PublicUrl(None));
    }

    #[test]
    fn a_flag_beats_the_file() {
        let (_file, mut flags) = file("listen = \"127.0.0.1:1\"\nstore = \"sqlite:a.db\"");
        flags.store = Some("sqlite:b.db".into());
        let settings = Settings::with_flags(&flags).unwrap();
        assert_eq!(settings.listen.port(), 1);
        assert_eq!(settings.store, StoreUrl::Sqlite("b.db".into()));
    }

    #[test]
    fn the_environment_beats_the_file_and_its_keys_are_checked() {
        let (file, _) = file("listen = \"127.0.0.1:1\"");
        let load = |name: &str, value: &str| {
            let path = file.path().display().to_string();
            let variables = [("TMF683_CONFIG".into(), path), (name.into(), value.into())];
            Settings::from_sources(&Flags::default(), variables.into())
        };
        assert_eq!(load("TMF683_LISTEN", "127.0.0.1:2").unwrap().listen.port(), 2);
        assert_eq!(load("TMF683_LIMITS__BODY_BYTES", "5").unwrap().limits.body_bytes, 5);
        let error = load("TMF683_LIMIT", "5").unwrap_err().to_string();
        assert!(error.contains("limit"), "{error}");
    }

    #[test]
    fn bad_settings_are_named() {
        for (text, culprit) in [
            ("listen = \"localhost\"", "listen"),
            ("[limits]\nbody = 1", "body"),
            ("[limits]\nbody_bytes = -1", "body_bytes"),
            ("[limits]\njson_depth = 101", "limits.json_depth"),
            ("[limits]\nwrite_batch = 0", "write_batch"),
            ("[limits]\nrequests = 0", "requests"),
            ("[limits]\nbodies_bytes = 1048575", "limits.bodies_bytes"),
            ("[paging]\npartial_status = 201", "partial_status"),
            ("[delivery]\nlease_seconds = 29", "delivery.lease_seconds"),
            ("[delivery]\nlease_seconds = 90000", "delivery.lease_seconds"),
            ("[delivery]\ntimeout_seconds = 0", "delivery.timeout_seconds"),
            ("[delivery]\nconnections = 0", "connections"),
            ("[delivery]\nallow_loopback = \"yes\"", "allow_loopback"),
            ("listen =", "line 1"),
            ("store = \"mysql:x\"", "store"),
            ("[replica]\nurl = \"sqlite:secret\"", "replica.url"),
            ("[replica]\nurl = \"postgres://u:secret@h/d\"", "replica.url"),
            ("[replica]\nstaleness_ms = 199", "replica.staleness_ms"),
            ("store = \"postgres:secret\"", "postgres://HOST"),
            ("public_url = \"ftp://x\"", "public_url"),
            ("public_url = \"https://u:p@x\"", "public_url"),
        ] {
            let (_file, flags) = file(text);
            let error = Settings::with_flags(&flags).unwrap_err().to_string();
            assert!(error.contains(culprit), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn beyond_loopback_needs_tokens_or_a_word() {
        assert!(Settings::with_flags(&listen("[::1]:0")).is_ok());
        let error = Settings::with_flags(&listen("0.0.0.0:8683")).unwrap_err();
        assert!(matches!(error, SettingsError::OpenToAll(_)), "{error}");
        let flags = Flags { allow_anonymous: true, ..listen("0.0.0.0:8683") };
        assert!(Settings::with_flags(&flags).is_ok());
    }

    #[test]
    fn callbacks_to_this_machine_where_only_it_can_register_them() {
        use AllowLoopback::{Always, Auto, Never};
        for (allow, listen, expected) in [
            (Auto, "127.0.0.1:80", true),
            (Auto, "[::1]:80", true),
            (Auto, "0.0.0.0:80", false),
            (Auto, "[::]:80", false),
            (Auto, "10.0.0.1:80", false),
            (Always, "10.0.0.1:80", true),
            (Never, "127.0.0.1:80", false),
        ] {
            assert_eq!(allow.by(listen.parse().unwrap()), expected, "{allow:?} {listen}");
        }
    }

    #[test]
    fn a_public_url_loses_its_last_slash() {
        let flags =
            Flags { public_url: Some("https://x.example/care/".into()), ..Flags::default() };
        let PublicUrl(url) = Settings::with_flags(&flags).unwrap().public_url;
        assert_eq!(url.as_deref(), Some("https://x.example/care"));
    }
}
