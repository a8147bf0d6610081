//! Where interactions are kept, as the settings say it.

use serde::Deserialize;
use std::path::PathBuf;

/// `sqlite:PATH`, or a PostgreSQL URL. That may carry a password, so errors and logs never show it all.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub enum StoreUrl {
    /// One SQLite file.
    Sqlite(PathBuf),
    /// One PostgreSQL database, for any number of processes.
    Postgres(PostgresUrl),
}

/// `postgres://user:password@host:port/database?…`, as the driver reads it. Shows host and database
/// only.
#[derive(Clone, PartialEq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// With its password: not to be shown.
    pub fn secret(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        // A password may have an @ of its own: the last one counts.
        let shown = rest.rsplit_once('@').map_or(rest, |(_, shown)| shown);
        write!(f, "postgres://{shown}")
    }
}

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("sqlite", _)) => {
                Err("store: sqlite: needs a path, such as sqlite:./tmf683.db".into())
            }
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Postgres(PostgresUrl(text)))
            }
            _ => Err("store: expected sqlite:PATH or postgres://HOST/DATABASE".into()),
        }
    }
}

impl std::fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

/// `[replica]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "told once, in config.default.toml")]
pub struct Replica {
    pub url: ReplicaUrl,
    pub staleness_ms: u64,
}

/// `postgres://…`; `None`: there is none.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "String")]
pub struct ReplicaUrl(pub Option<PostgresUrl>);

impl TryFrom<String> for ReplicaUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match StoreUrl::try_from(text.clone()) {
            _ if text.is_empty() => Ok(Self(None)),
            Ok(StoreUrl::Postgres(url)) => Ok(Self(Some(url))),
            _ => Err("replica.url: expected postgres://HOST/DATABASE".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        for url in [
            "postgres://u:secret@h:5433/d?sslmode=require",
            "postgresql://u:sec@ret@h:5433/d?password=secret",
            "postgres://h:5433/d?user=u&password=s@cret",
        ] {
            let store = StoreUrl::try_from(url.to_owned()).unwrap();
            assert_eq!(store.to_string(), "postgres://h:5433/d");
            assert_eq!(format!("{store:?}"), "Postgres(postgres://h:5433/d)");
        }
    }
}
