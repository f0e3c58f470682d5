//! What was done when.

use super::*;
use crate::model::StepState;

#[tokio::test]
async fn a_history_has_the_steps_of_all_runs_but_those_that_died() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.save_inventory(&sample::inventory()).await.unwrap();
    catalog.section_ended(Section::DumpSchema, Duration::from_millis(70)).await.unwrap();
    catalog.step_started(copy("died", 7, None)).await.unwrap();
    catalog.begin_run().await.unwrap();
    for key in ["done", "failed", "runs"] {
        catalog.step_started(StepStart { seat: Some(2), ..copy(key, 7, None) }).await.unwrap();
    }
    catalog.step_done("done", outcome(500, 30)).await.unwrap();
    let error = Error::new(Kind::Target, "no room");
    catalog.step_failed("failed", &error, None).await.unwrap();

    let history = catalog.history().await.unwrap();
    assert_eq!(history.database, sample::inventory().database.name);
    let mut steps: Vec<_> = history
        .steps
        .iter()
        .map(|step| (step.label, step.state, step.ended.is_some(), step.bytes, step.seat))
        .collect();
    steps.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(
        steps,
        [
            ("done".to_owned(), StepState::Done, true, 500, Some(2)),
            ("failed".to_owned(), StepState::Failed, true, 0, Some(2)),
            ("runs".to_owned(), StepState::Running, false, 0, Some(2)),
        ]
    );
    let [dump] = history.sections[..] else { panic!("{:?}", history.sections) };
    assert_eq!((dump.section, dump.ended - dump.started), (Section::DumpSchema, 70));
}

#[tokio::test]
async fn a_directory_without_a_run_has_an_empty_history() {
    let history = Scratch::new().open().await.history().await.unwrap();
    assert!(history.steps.is_empty() && history.sections.is_empty(), "{history:?}");
}
