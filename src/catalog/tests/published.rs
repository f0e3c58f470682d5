//! What people and scripts are shown of a run.

use super::*;

#[tokio::test]
async fn a_summary_adds_up_steps_and_takes_sections_by_the_clock() {
    let scratch = Scratch::new();
    let catalog = sample::finished_run(&scratch.path()).await;
    let summary = catalog.summary().await.unwrap();
    let ms = |section: Section| {
        let found = summary.sections.iter().find(|found| found.section == section);
        found.unwrap().duration.as_millis()
    };
    assert_eq!(summary.sections.len(), Section::ALL.len());
    assert_eq!(ms(Section::Copy), 1100 + 1019 + 19);
    assert_eq!(ms(Section::CreateIndex), 24);
    assert_eq!(ms(Section::Constraints), 3 + 5 + 7);
    assert_eq!(ms(Section::Total), 1000 + 344);
    assert_eq!(ms(Section::LargeObjects), 0);

    let table = summary.tables.at(0);
    assert_eq!((table.oid, table.database.as_str()), (Oid(16384), "pagila"));
    assert_eq!(table.name.to_string(), "public.\"Odd Items\"");
    assert_eq!(table.parts.len(), 2);
    assert_eq!(table.bytes(), 25 << 20);
    assert_eq!(table.index_duration(), Duration::from_millis(24));
    assert_eq!(table.indexes[0].name.name, "items_pkey");
    let constraints: Vec<_> = table
        .constraints
        .iter()
        .map(|made| (made.name.name.as_str(), made.oid.0, made.duration.as_millis()))
        .collect();
    assert_eq!(constraints, [("items_pkey", 16391, 3), ("items_fk", 16395, 12)]);
    assert_eq!(table.constraints[1].sql, "ALTER TABLE a ADD CONSTRAINT items_fk");

    assert_eq!(summary.failures.len(), 1);
    let failure = &summary.failures[0];
    assert_eq!(failure.server, "target");
    assert_eq!(failure.hint.as_deref(), Some("Look again."));
}

#[tokio::test]
async fn published_tables_and_views_can_be_read() {
    let scratch = Scratch::new();
    sample::finished_run(&scratch.path()).await.flush().await.unwrap();
    let sqlite = scratch.sqlite();
    let texts = |query: &str| -> Vec<String> {
        let mut statement = sqlite.prepare(query).unwrap();
        let rows = statement.query_map((), |row| row.get::<_, Option<String>>(0)).unwrap();
        rows.map(|text| text.unwrap().unwrap_or("null".to_owned())).collect()
    };
    assert_eq!(
        texts("select concat_ws(' ', oid, qname, nspname, relname, part_key) from s_table"),
        ["16384 public.\"Odd Items\" public \"Odd Items\" id", "16400 public.small public small"]
    );
    assert_eq!(
        texts("select concat_ws(' ', oid, partnum, partcount, min, max) from s_table_part"),
        ["16384 1 2 99", "16384 2 2 100"]
    );
    assert_eq!(
        texts("select concat_ws(' ', oid, conname, indexoid, sql) from s_constraint"),
        ["16391 items_pkey 16390 PRIMARY KEY (id)"]
    );
    assert_eq!(
        texts(
            "select concat_ws(' ', tableoid, partnum, indexoid, conoid, duration, bytes) \
             from summary where done_time_epoch is not null"
        )
        .len(),
        7
    );
    assert_eq!(texts("select concat(tableoid) from s_table_parts_done"), ["16384", "16400"]);
    assert_eq!(texts("select concat(tableoid, ' ', duration) from vacuum_summary"), ["16384 9"]);
    assert_eq!(
        texts(
            "select concat_ws('|', label, duration, duration_pretty, count, bytes_pretty) \
             from timings where id in (5, 12)"
        ),
        ["COPY (cumulative)|2138| 2s138|3|25 MB", "Total Wall Clock Duration|1344| 1s344|0|0 B"]
    );
}
