//! What a later run may want of a directory.

use super::*;

pub(super) fn sample() -> Setup {
    Setup {
        filters: Some(r#"{"type":"SOURCE_FILTER_TYPE_EXCL"}"#.to_owned()),
        ..Setup::new(
            "postgres://u@source/pagila".to_owned(),
            Some("postgres://u@target/pagila".to_owned()),
            &Settings {
                snapshot: Some("00000003-0000001B-1".to_owned()),
                split_tables_larger_than: Some(10 << 30),
                split_max_parts: Some(8),
                no_owner: true,
                ..Settings::default()
            },
        )
    }
}

/// As for a clone that is resumed.
fn bound(consistency: Consistency) -> Bound {
    Bound { consistency, split: true, options: true }
}

fn outcome(change: impl FnOnce(&mut Setup)) -> Result<Setup> {
    let mut wanted = sample();
    change(&mut wanted);
    sample().continued(&wanted, bound(Consistency::Required), Path::new("/work"))
}

fn refusal(change: impl FnOnce(&mut Setup)) -> String {
    let error = outcome(change).unwrap_err();
    assert_eq!(error.kind(), Kind::State);
    assert_eq!(error.message(), "could not resume in \"/work\"");
    assert!(error.hint_text().unwrap().contains("--restart"));
    error.detail_text().unwrap().to_owned()
}

#[test]
fn the_same_is_continued() {
    assert_eq!(outcome(|_| ()).unwrap(), sample());
}

#[test]
fn every_difference_is_named() {
    assert_eq!(
        refusal(|wanted| wanted.source = "postgres://u@source/chinook".to_owned()),
        "The directory is for source \"postgres://u@source/pagila\", this command names \
         \"postgres://u@source/chinook\"."
    );
    assert_eq!(
        refusal(|wanted| wanted.target = Some("postgres://u@target/chinook".to_owned())),
        "The directory is for target \"postgres://u@target/pagila\", this command names \
         \"postgres://u@target/chinook\"."
    );
    assert_eq!(
        refusal(|wanted| wanted.snapshot = Some("00000004-0000001B-1".to_owned())),
        "The directory is for snapshot \"00000003-0000001B-1\", this command names \
         \"00000004-0000001B-1\"."
    );
    assert_eq!(
        refusal(|wanted| wanted.split_tables_larger_than = None),
        "The directory is for --split-tables-larger-than 10737418240, this command names none."
    );
    assert_eq!(
        refusal(|wanted| wanted.split_max_parts = Some(4)),
        "The directory is for --split-max-parts 8, this command names 4."
    );
    assert_eq!(
        refusal(|wanted| wanted.filters = Some("{}".to_owned())),
        "The directory is for filters {\"type\":\"SOURCE_FILTER_TYPE_EXCL\"}, this command names \
         {}."
    );
    assert_eq!(
        refusal(|wanted| wanted.options.clear()),
        "The directory is for options --no-owner, this command names none."
    );
}

#[test]
fn what_is_not_named_stays() {
    let kept = outcome(|wanted| {
        wanted.target = None;
        wanted.snapshot = None;
        wanted.filters = None;
        wanted.jobs.table = 16;
    })
    .unwrap();
    let mut expected = sample();
    expected.jobs.table = 16;
    assert_eq!(kept, expected);
}

#[test]
fn another_snapshot_is_for_those_who_waive_consistency() {
    for snapshot in [None, Some("00000004-0000001B-1".to_owned())] {
        let mut wanted = sample();
        wanted.snapshot = snapshot.clone();
        let kept =
            sample().continued(&wanted, bound(Consistency::Waived), Path::new("/work")).unwrap();
        assert_eq!(kept.snapshot, snapshot);
    }
    let mut wanted = sample();
    wanted.source = "postgres://u@source/chinook".to_owned();
    assert!(sample().continued(&wanted, bound(Consistency::Waived), Path::new("/work")).is_err());
}

#[test]
fn an_option_that_one_command_of_a_chain_was_given_holds_for_the_next() {
    let free = Bound { consistency: Consistency::Required, split: false, options: false };
    let asked = Settings {
        no_acl: true,
        split_max_parts: Some(3),
        tablespace_map: [("fast".to_owned(), "slow".to_owned())].into(),
        ..Settings::default()
    };
    let wanted = Setup::new(sample().source, None, &asked);
    let kept = sample().continued(&wanted, free, Path::new("/work")).unwrap();
    let mut settings = Settings::default();
    kept.settle(&mut settings);
    assert_eq!(settings.tablespace_map["fast"], "slow");
    assert!(settings.no_acl && settings.no_owner && !settings.no_comments);
    assert_eq!(settings.split_tables_larger_than, Some(10 << 30));
    assert_eq!(settings.split_max_parts, Some(3));
}

#[test]
fn what_was_to_be_dropped_once_is_not_dropped_for_ever() {
    let mut registered = sample();
    registered.options.insert("--drop-if-exists".to_owned(), String::new());
    let wanted = Setup::new(sample().source, None, &Settings::default());
    let free = Bound { consistency: Consistency::Waived, split: false, options: false };
    let kept = registered.continued(&wanted, free, Path::new("/work")).unwrap();
    assert!(!kept.options.contains_key("--drop-if-exists"));
    assert!(kept.options.contains_key("--no-owner"));
}

#[tokio::test]
async fn a_set_up_is_registered_in_place_of_another() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    assert_eq!(catalog.setup().await.unwrap(), None);
    catalog.register_setup(&sample()).await.unwrap();
    let other = Setup::new("postgres://u@other/db".to_owned(), None, &Settings::default());
    catalog.register_setup(&other).await.unwrap();
    assert_eq!(catalog.setup().await.unwrap(), Some(other));
}
