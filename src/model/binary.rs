//! Types whose values may be sent in binary form: what a value looks like in it has been the same
//! since version 14, and what one server sends, another receives as it receives the text.

/// By their numbers, which no server changes, with the names that SQL has for them.
///
/// Left out on purpose: `money`, which depends on `lc_monetary`; `interval`, whose infinity older
/// versions take for a number; `xml` and the text search types, whose receive functions check more than
/// their input functions; types that name other objects by numbers of this very server; arrays,
/// ranges, and everything that users or extensions define.
const TYPES: [(u32, &str); 28] = [
    (16, "boolean"),
    (17, "bytea"),
    (18, "\"char\""),
    (19, "name"),
    (20, "bigint"),
    (21, "smallint"),
    (23, "integer"),
    (25, "text"),
    (26, "oid"),
    (114, "json"),
    (650, "cidr"),
    (700, "real"),
    (701, "double precision"),
    (774, "macaddr8"),
    (829, "macaddr"),
    (869, "inet"),
    (1042, "bpchar"),
    (1043, "character varying"),
    (1082, "date"),
    (1083, "time without time zone"),
    (1114, "timestamp without time zone"),
    (1184, "timestamp with time zone"),
    (1266, "time with time zone"),
    (1560, "\"bit\""),
    (1562, "bit varying"),
    (1700, "numeric"),
    (2950, "uuid"),
    (3802, "jsonb"),
];

/// The name of such a type by its number; `None` for all others.
pub fn type_name(number: u32) -> Option<&'static str> {
    let place = TYPES.binary_search_by_key(&number, |(number, _)| *number);
    place.ok().map(|place| TYPES[place].1)
}

/// The numbers of all of them.
pub fn type_numbers() -> impl Iterator<Item = u32> {
    TYPES.iter().map(|(number, _)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_their_numbers() {
        assert!(TYPES.is_sorted_by_key(|(number, _)| *number));
        assert!(TYPES.iter().all(|(number, name)| type_name(*number) == Some(name)));
        // money, interval, xml, _int4.
        assert!([790, 1186, 142, 1007].iter().all(|number| type_name(*number).is_none()));
    }
}
