//! Enums that keep what they do not know: the two macros the emitted models are written with.
//!
//! A union goes by its tag and by nothing else; a tag nobody declared is kept whole in `Other`. An
//! enum of strings keeps a string nobody declared. Neither ever guesses by shape.

/// Makes an enum go by its tag: one boxed variant per schema, `Other` for unknown or absent tags.
macro_rules! open_union {
    (
        $name:ident, $wire_name:literal, $tag:literal,
        [$($($value:literal)|+ => $variant:ident($target:ident)),* $(,)?]
    ) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$variant(value) => value.serialize(serializer),)*
                    Self::Other(members) => members.serialize(serializer),
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let members = serde_json::Map::<String, serde_json::Value>::deserialize(deserializer)?;
                let tag = members.get($tag).and_then(serde_json::Value::as_str).map(str::to_owned);
                match tag.as_deref() {
                    $($(Some($value))|+ => {
                        let value = serde_json::from_value(serde_json::Value::Object(members));
                        value.map(Self::$variant).map_err(serde::de::Error::custom)
                    })*
                    _ => Ok(Self::Other(members)),
                }
            }
        }

        $(
            impl From<$target> for $name {
                fn from(value: $target) -> Self {
                    Self::$variant(Box::new(value))
                }
            }
        )*

        #[cfg(feature = "server")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> String {
                $wire_name.to_owned()
            }

            fn json_schema(
                generator: &mut schemars::r#gen::SchemaGenerator,
            ) -> schemars::schema::Schema {
                let branches = vec![
                    $(generator.subschema_for::<$target>(),)*
                    schemars::schema::SchemaObject {
                        instance_type: Some(schemars::schema::InstanceType::Object.into()),
                        ..Default::default()
                    }
                    .into(),
                ];
                let subschemas = schemars::schema::SubschemaValidation {
                    any_of: Some(branches),
                    ..Default::default()
                };
                let schema = schemars::schema::SchemaObject {
                    subschemas: Some(Box::new(subschemas)),
                    ..Default::default()
                };
                schema.into()
            }
        }
    };
}
pub(crate) use open_union;

/// Makes an enum read and write as text, with `Other` for values the document does not name.
macro_rules! open_enum {
    ($name:ident, $wire_name:literal, [$($value:literal => $variant:ident),* $(,)?]) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }

        impl $name {
            /// The value as it is sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Other(value) => value,
                }
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        #[cfg(feature = "server")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> String {
                $wire_name.to_owned()
            }

            fn json_schema(_: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                let schema = schemars::schema::SchemaObject {
                    instance_type: Some(schemars::schema::InstanceType::String.into()),
                    ..Default::default()
                };
                schema.into()
            }
        }
    };
}
pub(crate) use open_enum;
