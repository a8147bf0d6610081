//! Which element of a v4 array was which stored entry: what an entry keeps hidden must stay with it
//! when the client reorders, inserts or removes. Any answer satisfies the lens laws; this one is
//! about keeping the right things. Linear in the size of the arrays.

use serde_json::Value;
use std::collections::HashMap;

/// For each view entry the index of its stored partner; each stored entry is used once.
///
/// An unchanged entry is found first (preferring its own place), then one with the same `id`, then
/// the one at the same place, unless two different `id`s say that it is another.
pub(super) fn pair(images: &[Value], views: &[Value]) -> Vec<Option<usize>> {
    let mut pairs = Pairs { of_view: vec![None; views.len()], used: vec![false; images.len()] };
    for (at, (image, view)) in images.iter().zip(views).enumerate() {
        if image == view {
            pairs.join(at, at);
        }
    }
    pairs.join_by(images, views, |entry| Some(entry.to_string()));
    pairs.join_by(images, views, |entry| id(entry).map(str::to_owned));
    for (at, (image, view)) in images.iter().zip(views).enumerate() {
        let different = id(image).zip(id(view)).is_some_and(|(one, other)| one != other);
        if !different && !pairs.used[at] && pairs.of_view[at].is_none() {
            pairs.join(at, at);
        }
    }
    pairs.of_view
}

struct Pairs {
    of_view: Vec<Option<usize>>,
    used: Vec<bool>,
}

impl Pairs {
    fn join(&mut self, view: usize, image: usize) {
        self.of_view[view] = Some(image);
        self.used[image] = true;
    }

    /// Joins what is still single and has the same mark, in order.
    fn join_by(
        &mut self,
        images: &[Value],
        views: &[Value],
        mark: impl Fn(&Value) -> Option<String>,
    ) {
        if self.of_view.iter().all(Option::is_some) || self.used.iter().all(|used| *used) {
            return;
        }
        let mut single: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, image) in images.iter().enumerate().rev().filter(|(at, _)| !self.used[*at]) {
            if let Some(mark) = mark(image) {
                single.entry(mark).or_default().push(at);
            }
        }
        for (at, view) in views.iter().enumerate() {
            if self.of_view[at].is_none()
                && let Some(image) = mark(view).and_then(|mark| single.get_mut(&mark)?.pop())
            {
                self.join(at, image);
            }
        }
    }
}

fn id(entry: &Value) -> Option<&str> {
    entry.get("id").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::pair;
    use serde_json::{Value, json};

    #[track_caller]
    fn check(images: &Value, views: &Value, expected: &[Option<usize>]) {
        let array = |value: &Value| value.as_array().unwrap().clone();
        assert_eq!(pair(&array(images), &array(views)), expected);
    }

    #[test]
    fn unchanged_then_id_then_place() {
        let stored = json!([{"id": "a"}, {"id": "b"}, {"text": "x"}, {"text": "x"}]);
        check(&stored, &stored, &[Some(0), Some(1), Some(2), Some(3)]);
        check(
            &stored,
            &json!([{"text": "x"}, {"id": "b", "n": 1}, {"id": "a"}]),
            &[Some(2), Some(1), Some(0)],
        );
        check(
            &stored,
            &json!([{"id": "c"}, {"n": 1}, {"text": "y"}, 7, 8]),
            &[None, Some(1), Some(2), Some(3), None],
        );
        check(&json!([]), &json!([1]), &[None]);
    }
}
