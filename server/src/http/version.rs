//! The versions of the API: what each calls things and how it turns them into the canonical form.
//!
//! Adding a version means a new variant here, a lens in `domain`, and a file that implements its
//! generated trait.

use crate::domain::interaction::{Interaction, Members};
use crate::domain::lens;
use crate::domain::lifecycle::StatedDates;
use crate::domain::shape::Shape;
use crate::domain::tree::{Object, Tree};
use crate::error::ApiError;
use crate::http::schema::{Schema, Violation, Violations};
use crate::query::fields::Fields;
use serde_json::Value;
use tmf683_generated::{v4, v5};

/// A version of TMF683.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version {
    /// v4.0.0
    V4,
    /// v5.0.0, the shape in which interactions are stored.
    V5,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Self; 2] = [Self::V4, Self::V5];

    /// As it appears in URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4",
            Self::V5 => "v5",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// Where its paths hang. The second base of v4 is where the reference vendor has them.
    pub fn bases(self) -> &'static [&'static str] {
        match self {
            Self::V4 => &["/tmf-api/partyInteraction/v4", "/partyInteraction/v4"],
            Self::V5 => &["/tmf-api/partyInteraction/v5"],
        }
    }

    /// Whether `@type` is shown whatever `fields` says.
    pub fn always_shows_type(self) -> bool {
        self == Self::V5
    }

    /// Whether a client may state the dates of creation and of a change of status: v4's schemas have
    /// them.
    pub fn stated_dates(self) -> StatedDates {
        match self {
            Self::V4 => StatedDates::Kept,
            Self::V5 => StatedDates::Overruled,
        }
    }

    /// The shape of its interactions.
    pub fn shape(self) -> Shape {
        match self {
            Self::V4 => Shape::V4,
            Self::V5 => Shape::V5,
        }
    }

    /// This version's view of canonical members.
    pub fn view(self, canonical: Members) -> Members {
        self.shape().view(canonical)
    }

    /// Writes a view back over the stored members it was made from.
    ///
    /// # Errors
    /// 400 when the canonical form has no place for a member of the view.
    pub fn put(self, stored: Option<&Members>, view: Members) -> Result<Members, ApiError> {
        match self {
            Self::V4 => Ok(lens::put(stored, view)?),
            Self::V5 => Ok(view),
        }
    }

    /// The whole representation of an interaction as text.
    ///
    /// # Errors
    /// 500 when the stored text is not JSON.
    pub fn text(self, interaction: &Interaction, href_prefix: &str) -> Result<String, ApiError> {
        match self {
            // The stored text is this version's: nothing to parse.
            Self::V5 => Ok(interaction.to_text(href_prefix)),
            Self::V4 => {
                let view = self.representation(interaction, href_prefix)?;
                Ok(Value::Object(view).to_string())
            }
        }
    }

    /// An interaction as text: whole, or the members that `fields` names.
    ///
    /// # Errors
    /// 500 when the stored text is not JSON.
    pub fn shown(
        self,
        interaction: &Interaction,
        href_prefix: &str,
        fields: Option<&Fields>,
    ) -> Result<String, ApiError> {
        let Some(fields) = fields else {
            return self.text(interaction, href_prefix);
        };
        let whole = self.representation(interaction, href_prefix)?;
        Ok(Value::Object(fields.apply(whole, self.always_shows_type())).to_string())
    }

    /// The whole representation of an interaction as a tree.
    ///
    /// # Errors
    /// 500 when the stored text is not JSON.
    pub fn representation(
        self,
        interaction: &Interaction,
        href_prefix: &str,
    ) -> Result<Members, ApiError> {
        let members = interaction.members().map_err(ApiError::internal)?;
        Ok(interaction.identity().before(self.view(members), href_prefix))
    }
}

/// The request schemas of one version, compiled.
#[derive(Debug)]
pub struct Schemas {
    create: Schema,
    creations: Schema,
    update: Schema,
    operations: Schema,
    subscribe: Schema,
    /// Members a create must have, and a patch must not remove.
    mandatory: Vec<String>,
}

impl Schemas {
    /// Compiles the generated schemas of `version`.
    ///
    /// # Errors
    /// The generated text is not what the generator emits.
    pub fn compile(version: Version) -> anyhow::Result<Self> {
        let (text, create, update, subscribe) = match version {
            Version::V4 => (
                v4::operations::SCHEMAS,
                "PartyInteraction_Create",
                "PartyInteraction_Update",
                "EventSubscriptionInput",
            ),
            Version::V5 => {
                (v5::operations::SCHEMAS, "PartyInteraction_FVO", "PartyInteraction_MVO", "Hub_FVO")
            }
        };
        let definitions: Value = serde_json::from_str(text)?;
        let required = &definitions["$defs"][create]["required"];
        Ok(Self {
            create: Schema::compile(text, create)?,
            creations: Schema::compile(text, "PartyInteractionCreations")?,
            update: Schema::compile(text, update)?,
            operations: Schema::compile(text, "JsonPatchOperations")?,
            subscribe: Schema::compile(text, subscribe)?,
            mandatory: serde_json::from_value(required.clone())?,
        })
    }

    /// Judges the body of a create.
    ///
    /// # Errors
    /// Each member that does not fit.
    pub fn judge_create(&self, body: &Tree<'_>) -> Result<(), Violations> {
        self.create.judge(body)
    }

    /// Judges the body of a create of several.
    ///
    /// # Errors
    /// 400 naming each member that does not fit.
    pub fn judge_creations(&self, body: &Tree<'_>) -> Result<(), ApiError> {
        Ok(self.creations.judge(body)?)
    }

    /// Judges the operations of a JSON Patch.
    ///
    /// # Errors
    /// 400 naming each member that does not fit.
    pub fn judge_operations(&self, body: &Value) -> Result<(), ApiError> {
        Ok(self.operations.judge(&body.into())?)
    }

    /// Judges the body of a subscription.
    ///
    /// # Errors
    /// 400 naming each member that does not fit.
    pub fn judge_subscribe(&self, body: &Value) -> Result<(), ApiError> {
        Ok(self.subscribe.judge(&body.into())?)
    }

    /// Judges a patched representation: it must fit the update schema at least as well as before,
    /// and keep every mandatory member it had.
    ///
    /// # Errors
    /// 400 naming each member that does not fit.
    pub fn judge_change(&self, before: Members, after: Members) -> Result<Members, ApiError> {
        let lost = |name: &&String| before.contains_key(*name) && !after.contains_key(*name);
        let lost = self.mandatory.iter().filter(lost).map(|name| Violation::required("", name));
        let lost: Vec<Violation> = lost.collect();
        if !lost.is_empty() {
            return Err(Violations(lost).into());
        }
        let tree = |members| Tree::Object(Object::from(members));
        self.update.judge_change(&tree(&before), &tree(&after))?;
        Ok(after)
    }

    /// Judges canonical members that came through another version by their types alone: a member
    /// that version does not know must still be readable through this one. What this version
    /// requires is not asked of a client that cannot know it.
    ///
    /// # Errors
    /// Each member of the wrong type.
    pub fn judge_types(&self, canonical: &Tree<'_>) -> Result<(), Violations> {
        self.update.judge_types(canonical)
    }
}
