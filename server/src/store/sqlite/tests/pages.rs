//! Lists: whatever the plan, the answer is that of looking at every document.

use super::*;
use crate::store::list::questions::{contents, plainly, question, text};
use proptest::collection::vec;
use proptest::prelude::*;

/// The same as `page`, turning pages by the places that come with them.
async fn turning(f: &Fixture, query: &PageQuery, page: u64) -> Vec<Interaction> {
    let mut query = PageQuery { limit: Some(page), ..query.clone() };
    let mut all = Vec::new();
    loop {
        let page = f.store.page(query.clone()).await.unwrap();
        let count = page.count;
        let items = collected(page.items).await.unwrap();
        assert_eq!(items.len() as u64, count);
        all.extend(items);
        if !page.has_next {
            return all;
        }
        query.start = Start::After(page.last.unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_page_is_what_looking_at_every_document_gives(
        contents in vec(contents(), 0..40), questions in vec(question(), 30), small in any::<bool>()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // A few keys at a time, or all.
            let sort_bytes = if small { 500 } else { 1 << 20 };
            let f = Fixture::with(SqliteOptions { sort_bytes, ..SqliteOptions::default() });
            let mut stored = Vec::new();
            for (n, (foreign_href, text)) in contents.into_iter().enumerate() {
                let interaction =
                    Interaction { id: format!("i{n}"), version: 1, foreign_href, text };
                stored.push(interaction.clone());
                f.store.create(record_of(interaction), vec![]).await.unwrap();
            }
            for query in questions {
                let listed = f.asked(&query).await;
                assert_eq!(listed, plainly(&stored, &query), "{query:?}");
                let rest = PageQuery { limit: None, ..query.clone() };
                // One or two of the keys fit at least.
                let turned = turning(&f, &query, 1 + u64::from(!small) * 2).await;
                assert_eq!(turned, plainly(&stored, &rest).1, "{query:?}");
            }
        });
    }
}

#[tokio::test]
async fn windows_of_any_size() {
    let f = Fixture::new();
    for n in 0..5 {
        let text = text(n % 2, 0, &[], 0, 0);
        f.store.create(record(&format!("i{n}"), 1, &text), vec![]).await.unwrap();
    }
    for query in ["", "direction=d0", "note.text=n0"] {
        let window = async |offset, limit| {
            let (total, items) = f.listed(&filter(query), offset, limit).await;
            assert_eq!(total, 5, "{query}");
            items.into_iter().map(|i| i.id).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(window(0, None).await, "i0 i1 i2 i3 i4");
        assert_eq!(window(1, Some(2)).await, "i1 i2");
        assert_eq!(window(4, Some(2)).await, "i4");
        assert_eq!(window(5, None).await, "");
        assert_eq!(window(0, Some(0)).await, "");
        assert_eq!(window(u64::MAX, Some(u64::MAX)).await, "");
        assert_eq!(window(1, Some(u64::MAX)).await, "i1 i2 i3 i4");
    }
}

#[tokio::test]
async fn a_deleted_interaction_leaves_the_list() {
    let f = Fixture::new();
    for id in ["a", "b", "c"] {
        f.store.create(record(id, 1, &text(1, 1, &[1], 1, 1)), vec![]).await.unwrap();
    }
    f.store.delete("b".to_owned(), 1, vec![]).await.unwrap();
    f.store.create(record("b", 1, &text(1, 1, &[1], 1, 1)), vec![]).await.unwrap();
    for query in ["", "status=s1", "note.text=n1", "status=s1|s2&relatedParty.role=r1"] {
        let (total, items) = f.listed(&filter(query), 0, None).await;
        let ids: Vec<_> = items.iter().map(|i| i.id.as_str()).collect();
        assert_eq!((total, ids), (3, vec!["a", "c", "b"]), "{query}");
    }
}

#[tokio::test]
async fn a_stored_text_that_is_no_json_is_an_error_not_a_gap() {
    let f = Fixture::new();
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    f.sql().execute_batch("UPDATE interaction SET document = 'oops'").unwrap();
    assert!(f.store.page(asking("note.text=x")).await.is_err());
}

#[tokio::test]
async fn an_abandoned_list_gives_its_turn_back() {
    let options = SqliteOptions { list_connections: 1, ..SqliteOptions::default() };
    let f = Fixture::with(options);
    f.store.create(record("a", 1, "{}"), vec![]).await.unwrap();
    for _ in 0..10 {
        let mut page = f.store.page(asking("note.text=x"));
        let _ = futures::poll!(&mut page);
    }
    assert_eq!(f.store.page(asking("")).await.unwrap().total, 1);
}
