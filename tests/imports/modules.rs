//! The module tree of a crate: which file defines each name, and which names each file uses.

use std::collections::{BTreeMap, HashMap};

use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, Token, UseTree, Visibility};

use crate::graph::Imports;

/// The text of each file, by its path below `src`.
pub(crate) type Sources = BTreeMap<String, String>;

/// The names from the crate's root down to a module. The root itself is empty.
type ModulePath = Vec<String>;

/// The names of a path as it is written, such as `super`, `cache`, `Entry`.
type Names = Vec<String>;

/// Parses the sources from `lib.rs` down, without what is compiled for tests alone, and returns
/// each import of one file by another.
///
/// # Errors
///
/// The paths that start in this crate and name nothing in it.
pub(crate) fn imports(sources: &Sources) -> Result<Imports, Vec<String>> {
    let mut tree = Tree::new(sources);
    tree.file("lib.rs");
    let mut imports = Imports::new();
    let mut unknown = vec![];
    for (module, path) in &tree.mentions {
        let from = &tree.modules[module].file;
        let targets = tree.resolve(module, path, &mut vec![]);
        if targets.is_empty() && is_in_crate(path) {
            let path = path.join("::");
            unknown.push(format!("{from}: `{path}` names nothing in this crate"));
        }
        let path = path.join("::");
        for target in targets {
            match target {
                Target::Item { file } if file != *from => {
                    // The longest path says most.
                    let known = imports.entry((from.clone(), file)).or_default();
                    if known.len() < path.len() {
                        known.clone_from(&path);
                    }
                }
                Target::Item { .. } | Target::Module(_) => {}
            }
        }
    }
    if unknown.is_empty() {
        Ok(imports)
    } else {
        Err(unknown)
    }
}

/// Whether the path says that it starts in this crate.
fn is_in_crate(path: &[String]) -> bool {
    let first = path.first().map(String::as_str);
    matches!(first, Some("crate" | "self" | "super"))
}

#[derive(Default)]
struct Module {
    file: String,
    names: HashMap<String, Vec<Definition>>,
    globs: Vec<Names>,
}

enum Definition {
    Import(Names),
    Item,
    Module,
}

/// What a path names. A module is not an import: what is taken from it is one.
enum Target {
    Item { file: String },
    Module(ModulePath),
}

struct Tree<'a> {
    sources: &'a Sources,
    modules: HashMap<ModulePath, Module>,
    /// Every path, with the module that it is written in. A re-export counts where its name is used.
    mentions: Vec<(ModulePath, Names)>,
    /// The module that is being visited.
    current: ModulePath,
}

impl<'a> Tree<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            modules: HashMap::new(),
            mentions: vec![],
            current: vec![],
        }
    }

    fn file(&mut self, file: &str) {
        let text = &self.sources[file];
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.enter(file);
        self.visit_file(&parsed);
    }

    fn enter(&mut self, file: &str) {
        let module = self.modules.entry(self.current.clone()).or_default();
        module.file = file.to_owned();
    }

    fn here(&mut self) -> &mut Module {
        self.modules
            .get_mut(&self.current)
            .expect("a visited module was entered")
    }

    fn define(&mut self, name: &Ident, definition: Definition) {
        let names = &mut self.here().names;
        names.entry(name.to_string()).or_default().push(definition);
    }

    fn mention(&mut self, path: Names) {
        self.mentions.push((self.current.clone(), path));
    }

    fn module(&mut self, module: &syn::ItemMod) {
        self.define(&module.ident, Definition::Module);
        let file = self.here().file.clone();
        self.current.push(module.ident.to_string());
        match &module.content {
            Some((_, items)) => {
                self.enter(&file);
                items.iter().for_each(|item| self.visit_item(item));
            }
            None => {
                let path = self.current.join("/");
                let file = [format!("{path}.rs"), format!("{path}/mod.rs")]
                    .into_iter()
                    .find(|file| self.sources.contains_key(file))
                    .unwrap_or_else(|| panic!("{file}: no file for the module `{path}`"));
                self.file(&file);
            }
        }
        self.current.pop();
    }

    /// Defines and mentions what a `use` brings. `prefix` is what comes before `tree`.
    fn import(&mut self, mut prefix: Names, tree: &UseTree, reexport: bool) {
        let (last, name) = match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                return self.import(prefix, &path.tree, reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(prefix.clone(), tree, reexport);
                }
                return;
            }
            UseTree::Glob(_) => return self.here().globs.push(prefix),
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        if last != "self" {
            prefix.push(last.to_string());
        }
        if !reexport {
            self.mention(prefix.clone());
        }
        self.define(name, Definition::Import(prefix));
    }

    fn resolve(
        &self,
        from: &[String],
        path: &[String],
        seen: &mut Vec<(ModulePath, String)>,
    ) -> Vec<Target> {
        let mut start = from.to_vec();
        let mut rest = path;
        while let [first, tail @ ..] = rest {
            match first.as_str() {
                "crate" => start.clear(),
                "self" => {}
                "super" => drop(start.pop()),
                _ => break,
            }
            rest = tail;
        }
        let mut targets = vec![Target::Module(start)];
        for name in rest {
            let modules: Vec<_> = targets
                .iter()
                .filter_map(|target| match target {
                    Target::Module(module) => Some(module.clone()),
                    Target::Item { .. } => None,
                })
                .collect();
            if modules.is_empty() {
                // What follows an item is its own: a variant, an associated function.
                break;
            }
            targets = modules
                .iter()
                .flat_map(|module| self.lookup(module, name, seen))
                .collect();
        }
        targets
    }

    fn lookup(
        &self,
        module: &ModulePath,
        name: &str,
        seen: &mut Vec<(ModulePath, String)>,
    ) -> Vec<Target> {
        let key = (module.clone(), name.to_owned());
        if seen.contains(&key) {
            return vec![];
        }
        seen.push(key);
        let here = &self.modules[module];
        let mut found = vec![];
        for definition in here.names.get(name).into_iter().flatten() {
            match definition {
                Definition::Import(path) => {
                    let targets = self.resolve(module, path, seen);
                    if targets.is_empty() && !is_in_crate(path) {
                        // An item of another crate, which this file passes on.
                        let file = here.file.clone();
                        found.push(Target::Item { file });
                    }
                    found.extend(targets);
                }
                Definition::Item => found.push(Target::Item {
                    file: here.file.clone(),
                }),
                Definition::Module => {
                    let child = module.iter().cloned().chain([name.to_owned()]);
                    found.push(Target::Module(child.collect()));
                }
            }
        }
        if found.is_empty() {
            for glob in &here.globs {
                for target in self.resolve(module, glob, seen) {
                    if let Target::Module(module) = target {
                        found.extend(self.lookup(&module, name, seen));
                    }
                }
            }
        }
        seen.pop();
        found
    }

    /// Macros are not expanded: each path in their tokens counts, and each name after a keyword
    /// that defines an item.
    fn tokens(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let mut after_keyword = false;
        while !input.is_empty() {
            if input.peek(Ident::peek_any) {
                let first = input.call(Ident::parse_any)?;
                if after_keyword {
                    self.define(&first, Definition::Item);
                }
                after_keyword = ["const", "enum", "fn", "static", "struct", "trait", "type"]
                    .iter()
                    .any(|keyword| first == keyword);
                let mut path = vec![first.to_string()];
                while input.peek(Token![::]) {
                    input.parse::<Token![::]>()?;
                    if !input.peek(Ident::peek_any) {
                        break;
                    }
                    path.push(input.call(Ident::parse_any)?.to_string());
                }
                self.mention(path);
                continue;
            }
            after_keyword = false;
            let content;
            if input.peek(syn::token::Paren) {
                syn::parenthesized!(content in input);
            } else if input.peek(syn::token::Brace) {
                syn::braced!(content in input);
            } else if input.peek(syn::token::Bracket) {
                syn::bracketed!(content in input);
            } else {
                input.step(|cursor| {
                    let (_, rest) = cursor.token_tree().expect("the input is not at its end");
                    Ok(((), rest))
                })?;
                continue;
            }
            self.tokens(&content)?;
        }
        Ok(())
    }
}

impl<'ast> Visit<'ast> for Tree<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name): (&[Attribute], _) = match item {
            Item::Const(item) => (&item.attrs, Some(&item.ident)),
            Item::Enum(item) => (&item.attrs, Some(&item.ident)),
            Item::Fn(item) => (&item.attrs, Some(&item.sig.ident)),
            Item::Impl(item) => (&item.attrs, None),
            Item::Macro(item) => (&item.attrs, item.ident.as_ref()),
            Item::Mod(item) => (&item.attrs, None),
            Item::Static(item) => (&item.attrs, Some(&item.ident)),
            Item::Struct(item) => (&item.attrs, Some(&item.ident)),
            Item::Trait(item) => (&item.attrs, Some(&item.ident)),
            Item::Type(item) => (&item.attrs, Some(&item.ident)),
            Item::Use(item) => (&item.attrs, None),
            _ => (&[], None),
        };
        if for_tests(attributes) {
            return;
        }
        if let Some(name) = name {
            self.define(name, Definition::Item);
        }
        match item {
            Item::Mod(module) => self.module(module),
            Item::Use(item) if item.leading_colon.is_some() => {}
            Item::Use(item) => {
                let reexport = !matches!(item.vis, Visibility::Inherited);
                self.import(vec![], &item.tree, reexport);
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let names = path.segments.iter().map(|part| part.ident.to_string());
            self.mention(names.collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        let tokens = call.tokens.clone();
        Parser::parse2(|input: ParseStream<'_>| self.tokens(input), tokens)
            .expect("any tokens are accepted");
    }
}

/// Whether an item is compiled for tests alone: `cfg(test)` or `cfg(all(test, …))`.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mut found = false;
        if attribute.path().is_ident("cfg") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.is_ident("test");
                if meta.path.is_ident("all") {
                    return meta.parse_nested_meta(|meta| {
                        found |= meta.path.is_ident("test");
                        skip(meta.input)
                    });
                }
                skip(meta.input)
            });
        }
        found
    })
}

/// Skips the rest of one condition: `= "…"` or `(…)`.
fn skip(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.step(|cursor| {
            let (_, rest) = cursor.token_tree().expect("the input is not at its end");
            Ok(((), rest))
        })?;
    }
    Ok(())
}
