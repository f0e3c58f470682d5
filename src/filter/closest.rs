//! "Did you mean …": which known names are nearest to one that is not known.

/// Names that a person can still choose from.
const NAMES_MAX: usize = 3;

/// The names nearest to `name`, the nearest first; those too far away to be meant are left out.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = folded(name).collect();
    let far = (wanted.len() / 3).max(1);
    let mut found: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        let letters: Vec<char> = folded(candidate).collect();
        if letters.len().abs_diff(wanted.len()) > far {
            continue;
        }
        let distance = distance(&wanted, &letters);
        if distance <= far {
            found.push((distance, candidate));
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(NAMES_MAX).map(|(_, name)| name).collect()
}

/// A sentence that asks; none if nothing is near.
pub fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let names = closest(name, candidates);
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    (!quoted.is_empty()).then(|| format!("Did you mean {}?", quoted.join(" or ")))
}

/// Letters that are compared: a difference in case or in quotes is what people overlook.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| *letter != '"').flat_map(char::to_lowercase)
}

/// How many letters must be inserted, removed or changed (Levenshtein).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_comes_first_and_strangers_not_at_all() {
        let names = ["app.orders", "app.order", "app.customers", "audit.log"];
        assert_eq!(closest("app.ordrs", names), ["app.orders", "app.order"]);
        assert_eq!(closest("APP.Orders", names)[0], "app.orders");
        assert_eq!(closest("\"app\".\"orders\"", names)[0], "app.orders");
        assert!(closest("something.else", names).is_empty());
        assert!(closest("", names).is_empty());
    }

    #[test]
    fn it_asks() {
        assert_eq!(
            did_you_mean("exclude-tables", ["exclude-table", "table-where"]).unwrap(),
            "Did you mean \"exclude-table\"?"
        );
        assert_eq!(did_you_mean("x", ["exclude-table"]), None);
    }

    #[test]
    fn distances() {
        let of = |a: &str, b: &str| {
            distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>())
        };
        assert_eq!(of("kitten", "sitting"), 3);
        assert_eq!(of("", "abc"), 3);
        assert_eq!(of("same", "same"), 0);
    }
}
