//! Every path a Rust file names, made absolute, with its line.
//!
//! A scan of tokens, not of syntax: so `use` groups, types, expressions, attributes and the insides
//! of macros all count alike, while comments and strings do not. Names are not resolved: a renamed
//! import is seen where it is imported, and that is enough.

use proc_macro2::{Ident, LexError, TokenStream, TokenTree};

/// A path as written, but for `crate`, `self` and `super`, which become `crate::…`.
#[derive(Debug)]
pub(super) struct NamedPath {
    pub(super) line: usize,
    pub(super) segments: Vec<String>,
}

impl NamedPath {
    /// Whether the path is `prefix` or lies below it.
    pub(super) fn is_in(&self, prefix: &str) -> bool {
        let mut segments = self.segments.iter();
        prefix.split("::").all(|part| segments.next().is_some_and(|segment| segment == part))
    }
}

/// The paths in `text`, the source of the module `module` (`["store", "contract"]`).
///
/// A lone name counts only in a `use`; elsewhere it is a variable.
pub(super) fn paths(text: &str, module: &[&str]) -> Result<Vec<NamedPath>, LexError> {
    let module = module.iter().map(ToString::to_string).collect();
    let mut scan = Scan { module, found: Vec::new() };
    scan.stream(text.parse()?, None);
    Ok(scan.found)
}

struct Scan {
    module: Vec<String>,
    found: Vec<NamedPath>,
}

/// Names with `::` between them, as far as they have been read.
#[derive(Default)]
struct Run {
    names: Vec<Ident>,
    /// How many colons follow the last name.
    colons: usize,
    /// Whether `mod` stood before the first name.
    after_mod: bool,
    /// Whether `as` was read and the new name comes next.
    renames: bool,
}

impl Scan {
    /// Inside the braces of a `use` group, `group` is what stands before them.
    fn stream(&mut self, stream: TokenStream, group: Option<&[Ident]>) {
        let prefix = group.unwrap_or_default();
        let mut in_use = group.is_some();
        let mut run = Run::default();
        for token in stream {
            match token {
                TokenTree::Ident(name) if run.colons == 2 => {
                    run.names.push(name);
                    run.colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    run.colons += 1;
                    continue;
                }
                TokenTree::Group(inner) if in_use && run.colons == 2 => {
                    self.stream(inner.stream(), Some(&[prefix, &run.names].concat()));
                    run = Run::default();
                    continue;
                }
                _ => self.note(prefix, &run, in_use),
            }
            run = match token {
                TokenTree::Ident(keyword) if keyword == "use" => {
                    in_use = true;
                    Run::default()
                }
                TokenTree::Ident(keyword) if in_use && keyword == "as" => {
                    Run { renames: true, ..Run::default() }
                }
                TokenTree::Ident(_) if run.renames => Run::default(),
                TokenTree::Ident(name) => {
                    let after_mod = run.names.last().is_some_and(|before| before == "mod");
                    Run { names: vec![name], after_mod, ..Run::default() }
                }
                TokenTree::Group(inner) => {
                    self.block(inner.stream(), &run);
                    Run::default()
                }
                TokenTree::Punct(punct) => {
                    // `;` ends a `use`; `<` tells `use<'a>`, which is none.
                    in_use &= !matches!(punct.as_char(), ';' | '<');
                    Run::default()
                }
                TokenTree::Literal(_) => Run::default(),
            };
        }
        self.note(prefix, &run, in_use);
    }

    /// What stands in brackets of any kind, after `run`.
    fn block(&mut self, inner: TokenStream, run: &Run) {
        if let [name] = run.names.as_slice()
            && run.after_mod
        {
            self.module.push(name.to_string());
            self.stream(inner, None);
            self.module.pop();
            return;
        }
        // `pub(in crate::store)` grants, it does not import.
        let first = inner.clone().into_iter().next();
        if !matches!(first, Some(TokenTree::Ident(keyword)) if keyword == "in") {
            self.stream(inner, None);
        }
    }

    fn note(&mut self, prefix: &[Ident], run: &Run, in_use: bool) {
        let Some(name) = run.names.first() else { return };
        let names = [prefix, &run.names].concat();
        if names.len() > 1 || in_use {
            let segments = self.absolute(&names);
            self.found.push(NamedPath { line: name.span().start().line, segments });
        }
    }

    fn absolute(&self, names: &[Ident]) -> Vec<String> {
        let here = || std::iter::once("crate".to_owned()).chain(self.module.iter().cloned());
        let mut segments: Vec<String> = Vec::new();
        for name in names {
            match name.to_string().as_str() {
                "self" if segments.is_empty() => segments.extend(here()),
                // The last name of a `use` group may be `self`: the group's own path.
                "self" => {}
                "super" => {
                    if segments.is_empty() {
                        segments.extend(here());
                    }
                    segments.pop();
                }
                name => segments.push(name.trim_start_matches("r#").to_owned()),
            }
        }
        segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = paths(text, &["store", "contract"]).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|path| format!("{} {}", path.line, path.segments.join("::")))
            .collect();
        assert_eq!(found, expected, "in {text:?}");
    }

    #[test]
    fn use_trees_are_taken_apart() {
        check("use a::{b, c::{self, d as e}};\n", &["1 a::b", "1 a::c", "1 a::c::d"]);
        check("pub(crate) use crate::store::*;", &["1 crate::store"]);
        check("use x::y as http;\nuse z;", &["1 x::y", "2 z"]);
        check("use dropshot;\nuse ::http;", &["1 dropshot", "2 http"]);
    }

    #[test]
    fn relative_paths_become_absolute() {
        check("use super::sqlite;", &["1 crate::store::sqlite"]);
        check("use super::super::http::Call;", &["1 crate::http::Call"]);
        check("use self::inner::X;", &["1 crate::store::contract::inner::X"]);
        check("mod tests { use super::*; }", &["1 crate::store::contract"]);
        check("mod tests { fn f() {} }\nuse super::x;", &["2 crate::store::x"]);
    }

    #[test]
    fn expressions_types_attributes_and_macros_count() {
        check("fn f() -> crate::app::App { a::b(c) }", &["1 crate::app::App", "1 a::b"]);
        check("fn f(x: ::http::Uri) {}", &["1 http::Uri"]);
        check("fn f() {\n  info!(\"{}\", http::x());\n}", &["2 http::x"]);
        check("#[derive(a::B)] struct C;", &["1 a::B"]);
        check("Vec::<x::Y>::new()", &["1 x::Y"]);
    }

    #[test]
    fn comments_strings_variables_and_grants_do_not() {
        check("// use a::b;\n/// [`a::b`]\nconst C: &str = \"a::b\";", &[]);
        check("let http = 1; f(http, tokio)", &[]);
        check("pub(in crate::store) struct S;", &[]);
        check("fn f<'a>() -> impl Sized + use<'a, T> {}", &[]);
    }

    #[test]
    fn a_path_is_in_its_prefix_by_whole_names() {
        let path = NamedPath { line: 1, segments: vec!["store".into(), "contract".into()] };
        assert!(path.is_in("store") && path.is_in("store::contract"));
        assert!(!path.is_in("sto") && !path.is_in("store::contract::Store"));
    }
}
