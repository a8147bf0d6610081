//! The table of D4: where v4 and v5 spell the same fact differently. Data only; `lens.rs` reads it
//! in both directions, and for documents as well as for paths.

use crate::domain::interaction::Members;

/// An object with members of its own.
pub(super) struct Place {
    /// The `@type` that goes without saying; must not look at `@type` itself.
    pub default_type: fn(&Members) -> &'static str,
    /// Members that differ between the versions, here or further inside.
    pub children: &'static [Child],
}

/// A member whose name or content differs.
pub(super) struct Child {
    pub v4: &'static str,
    pub canonical: &'static str,
    /// An array of entries, not one entry.
    pub many: bool,
    pub shape: Shape,
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Object(&'static Place),
    Wrapped(&'static Wrapping),
}

/// Flat in v4; in v5 an entity inside a wrapper that has the `role`.
pub(super) struct Wrapping {
    /// The member of the wrapper that is the entity.
    pub key: &'static str,
    pub outer_type: &'static str,
    pub inner_type: fn(&Members) -> &'static str,
}

impl Place {
    pub(super) fn child_of_v4(&self, name: &str) -> Option<&'static Child> {
        self.children.iter().find(|child| child.v4 == name)
    }

    pub(super) fn child_of_canonical(&self, name: &str) -> Option<&'static Child> {
        self.children.iter().find(|child| child.canonical == name)
    }
}

pub(super) static ROOT: Place = Place {
    default_type: |_| "PartyInteraction",
    children: &[
        RELATED_CHANNEL,
        wrapped("relatedParty", &PARTY),
        objects("interactionItem", &ITEM),
        ATTACHMENT,
        NOTE,
        objects("interactionRelationship", &RELATIONSHIP),
    ],
};

static ITEM: Place = Place {
    default_type: |_| "InteractionItem",
    children: &[
        RELATED_CHANNEL,
        wrapped("relatedParty", &PARTY_OF_ITEM),
        Child { v4: "item", canonical: "item", many: false, shape: Shape::Wrapped(&ENTITY) },
        ATTACHMENT,
        NOTE,
    ],
};

const RELATED_CHANNEL: Child = Child { v4: "channel", ..wrapped("relatedChannel", &CHANNEL) };
const ATTACHMENT: Child = objects("attachment", &ATTACHMENT_PLACE);
const NOTE: Child = objects("note", &NOTE_PLACE);

static CHANNEL: Wrapping =
    Wrapping { key: "channel", outer_type: "RelatedChannel", inner_type: |_| "ChannelRef" };

static PARTY: Wrapping = party("RelatedPartyOrPartyRole");

/// The v5 document allows only references here, and calls the wrapper accordingly.
static PARTY_OF_ITEM: Wrapping = party("RelatedPartyRefOrPartyRoleRef");

static ENTITY: Wrapping = Wrapping {
    key: "entity",
    outer_type: "RelatedEntityRefOrValue",
    inner_type: |entity| if entity.contains_key("id") { "EntityRef" } else { "Entity" },
};

static NOTE_PLACE: Place = Place { default_type: |_| "Note", children: &[] };

static RELATIONSHIP: Place = Place { default_type: |_| "InteractionRelationship", children: &[] };

static ATTACHMENT_PLACE: Place = Place { default_type: attachment_type, children: &[] };

/// By reference when it says what it refers to (`@referredType`), or points somewhere (`id`,
/// `href`) and has nothing that only the attachment itself has.
fn attachment_type(attachment: &Members) -> &'static str {
    let has = |name: &&str| attachment.contains_key(*name);
    let by_value = ["content", "url", "attachmentType", "mimeType", "size"].iter().any(has);
    let points = ["id", "href"].iter().any(has);
    if has(&"@referredType") || points && !by_value { "AttachmentRef" } else { "Attachment" }
}

const fn objects(name: &'static str, place: &'static Place) -> Child {
    Child { v4: name, canonical: name, many: true, shape: Shape::Object(place) }
}

const fn wrapped(name: &'static str, wrapping: &'static Wrapping) -> Child {
    Child { v4: name, canonical: name, many: true, shape: Shape::Wrapped(wrapping) }
}

const fn party(outer_type: &'static str) -> Wrapping {
    Wrapping { key: "partyOrPartyRole", outer_type, inner_type: |_| "PartyRef" }
}
