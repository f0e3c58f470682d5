//! Filters as JSON: how a work directory remembers them, and how they are shown. The keys are
//! published. The same filters are the same text, whatever their order in the file was.

use serde::{Deserialize, Serialize};

use super::{Filters, Pattern, Rule, Section};

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Document {
    r#type: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include_only_schema: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include_only_schema_pattern: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_schema: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_schema_pattern: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include_only_table: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include_only_table_pattern: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_table: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_table_pattern: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_table_data: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_table_data_pattern: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_index: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_index_pattern: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exclude_extension: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include_only_extension: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    table_where: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    table_where_pattern: Vec<Name>,
}

/// A qualified name, of which either part may be a pattern.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Name {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_re: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name_re: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
}

impl Filters {
    /// The filters as JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut rules: Vec<Rule> =
            self.rules.iter().map(|rule| Rule { line: None, ..rule.clone() }).collect();
        rules.sort();
        rules.dedup();
        let mut document = Document { r#type: self.kind().to_owned(), ..Document::default() };
        for rule in rules {
            match (document.lists(rule.section), rule.namespace) {
                (Lists::Names(exact, patterns), Some(namespace)) => {
                    let is_exact =
                        matches!((&namespace, &rule.name), (Pattern::Exact(_), Pattern::Exact(_)));
                    let list = if is_exact { exact } else { patterns };
                    list.push(Name::new(namespace, rule.name, rule.condition));
                }
                (Lists::Words(exact, patterns), _) => match rule.name {
                    Pattern::Exact(name) => exact.push(name),
                    Pattern::Regex(regex) => {
                        patterns.into_iter().for_each(|p| p.push(regex.clone()))
                    }
                },
                (Lists::Names(..), None) => {}
            }
        }
        serde_json::to_string(&document)
    }

    /// Filters from their JSON.
    pub fn from_json(text: &str) -> Result<Filters, serde_json::Error> {
        let mut document: Document = serde_json::from_str(text)?;
        let mut rules = Vec::new();
        for section in Section::ALL {
            let mut add = |namespace, name, condition| {
                rules.push(Rule { section, namespace, name, condition, line: None });
            };
            match document.lists(section) {
                Lists::Names(exact, patterns) => {
                    for name in exact.drain(..).chain(patterns.drain(..)) {
                        let namespace = pattern(name.schema, name.schema_re);
                        add(Some(namespace), pattern(name.name, name.name_re), name.condition);
                    }
                }
                Lists::Words(exact, patterns) => {
                    exact.drain(..).for_each(|name| add(None, Pattern::Exact(name), None));
                    let patterns = patterns.into_iter().flat_map(|patterns| patterns.drain(..));
                    patterns.for_each(|regex| add(None, Pattern::Regex(regex), None));
                }
            }
        }
        Ok(Filters { rules })
    }

    /// The published word for what the filters do, on the whole.
    fn kind(&self) -> &'static str {
        let excluding = [
            Section::IncludeOnlySchema,
            Section::ExcludeSchema,
            Section::ExcludeTable,
            Section::ExcludeTableData,
            Section::TableWhere,
        ];
        if self.has(Section::IncludeOnlyTable) {
            "SOURCE_FILTER_TYPE_INCL"
        } else if excluding.into_iter().any(|section| self.has(section)) {
            "SOURCE_FILTER_TYPE_EXCL"
        } else if self.has(Section::ExcludeIndex) {
            "SOURCE_FILTER_TYPE_EXCL_INDEX"
        } else {
            "SOURCE_FILTER_TYPE_NONE"
        }
    }
}

/// Where a section's exact names and its patterns are.
enum Lists<'a> {
    /// The second is there where patterns are allowed.
    Words(&'a mut Vec<String>, Option<&'a mut Vec<String>>),
    Names(&'a mut Vec<Name>, &'a mut Vec<Name>),
}

impl Document {
    fn lists(&mut self, section: Section) -> Lists<'_> {
        match section {
            Section::IncludeOnlySchema => {
                let patterns = &mut self.include_only_schema_pattern;
                Lists::Words(&mut self.include_only_schema, Some(patterns))
            }
            Section::ExcludeSchema => {
                let patterns = &mut self.exclude_schema_pattern;
                Lists::Words(&mut self.exclude_schema, Some(patterns))
            }
            Section::IncludeOnlyTable => {
                Lists::Names(&mut self.include_only_table, &mut self.include_only_table_pattern)
            }
            Section::ExcludeTable => {
                Lists::Names(&mut self.exclude_table, &mut self.exclude_table_pattern)
            }
            Section::ExcludeTableData => {
                Lists::Names(&mut self.exclude_table_data, &mut self.exclude_table_data_pattern)
            }
            Section::ExcludeIndex => {
                Lists::Names(&mut self.exclude_index, &mut self.exclude_index_pattern)
            }
            Section::TableWhere => {
                Lists::Names(&mut self.table_where, &mut self.table_where_pattern)
            }
            Section::ExcludeExtension => Lists::Words(&mut self.exclude_extension, None),
            Section::IncludeOnlyExtension => Lists::Words(&mut self.include_only_extension, None),
        }
    }
}

impl Name {
    fn new(namespace: Pattern, name: Pattern, condition: Option<String>) -> Name {
        let split = |pattern| match pattern {
            Pattern::Exact(name) => (Some(name), None),
            Pattern::Regex(regex) => (None, Some(regex)),
        };
        let ((schema, schema_re), (name, name_re)) = (split(namespace), split(name));
        Name { schema, schema_re, name, name_re, condition }
    }
}

fn pattern(exact: Option<String>, regex: Option<String>) -> Pattern {
    match (exact, regex) {
        (_, Some(regex)) => Pattern::Regex(regex),
        (exact, None) => Pattern::Exact(exact.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::ini::parse;

    fn json(text: &str) -> String {
        parse(text.as_bytes()).unwrap().to_json().unwrap()
    }

    #[test]
    fn the_published_keys() {
        assert_eq!(
            json(
                "[exclude-table]\naudit.~/^log_/\napp.orders_old\n~/^x/.t\n[exclude-extension]\n\
                 postgis\n[include-only-schema]\napp\n~/^a/\n[table-where]\nb.c = d > 'e'"
            ),
            r#"{"type":"SOURCE_FILTER_TYPE_EXCL","include-only-schema":["app"],"#.to_owned()
                + r#""include-only-schema-pattern":["^a"],"#
                + r#""exclude-table":[{"schema":"app","name":"orders_old"}],"#
                + r#""exclude-table-pattern":[{"schema":"audit","name-re":"^log_"},"#
                + r#"{"schema-re":"^x","name":"t"}],"exclude-extension":["postgis"],"#
                + r#""table-where":[{"schema":"b","name":"c","condition":"d > 'e'"}]}"#
        );
        assert_eq!(json("[exclude-extension]\na"), json("[exclude-extension]\na\n\n\"a\""));
        assert!(json("[exclude-extension]\na").contains("FILTER_TYPE_NONE"));
        assert!(json("[exclude-index]\na.b").contains("FILTER_TYPE_EXCL_INDEX"));
        assert!(json("[include-only-table]\na.b\n[exclude-schema]\nc").contains("TYPE_INCL\""));
    }

    #[test]
    fn what_was_written_is_read_again() {
        let text = "[include-only-schema]\na\n~/b/\n[include-only-table]\na.b\na.~/x/\n\
                    [exclude-table-data]\nc.~/d/\nc.e\n[exclude-index]\n~/f/.~/g/\n\
                    [include-only-extension]\nh\n[table-where]\ni.~/j/ = k\nl.m = n";
        let json = json(text);
        let read = Filters::from_json(&json).unwrap();
        assert_eq!(read.rules.len(), 10);
        assert_eq!(read.to_json().unwrap(), json);
        let text = "[exclude-schema]\n~/b/\na\n[exclude-table]\nc.d\n[exclude-extension]\ne";
        let json = super::tests::json(text);
        assert_eq!(Filters::from_json(&json).unwrap().to_json().unwrap(), json);
        assert!(Filters::from_json("[1]").is_err());
    }
}
