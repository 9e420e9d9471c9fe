//! Migrations: up, down and up again.

use super::*;

both_engines!(migrations_go_up_down_and_up, servers_that_start_together_migrate_once,);

/// The definition of every table, index and constraint.
fn definition(database: &Database) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let lines: Vec<Line> = match database.url.strip_prefix("sqlite://") {
        Some(path) => {
            diesel::sql_query("SELECT coalesce(sql, name) AS line FROM sqlite_master ORDER BY name")
                .load(&mut SqliteConnection::establish(path).unwrap())
                .unwrap()
        }
        None => diesel::sql_query(
            "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, collation_name) AS line \
             FROM information_schema.columns WHERE table_schema = 'public' \
             UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) \
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
             UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY line",
        )
        .load(&mut PgConnection::establish(&database.url).unwrap())
        .unwrap(),
    };
    lines.into_iter().map(|line| line.line).collect()
}

fn revert_all(database: &Database) {
    let files = |engine: &str| {
        FileBasedMigrations::from_path(format!("{}/../migrations/{engine}", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    };
    match database.url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut connection = SqliteConnection::establish(path).unwrap();
            connection.revert_all_migrations(files("sqlite")).unwrap();
        }
        None => {
            let mut connection = PgConnection::establish(&database.url).unwrap();
            connection.revert_all_migrations(files("postgres")).unwrap();
        }
    }
}

fn migrations_go_up_down_and_up(database: &Database) {
    let store = database.open();
    let pending = store.check_schema().unwrap_err();
    assert!(matches!(&pending, StoreError::PendingMigrations(names) if !names.is_empty()), "{pending:?}");
    assert!(pending.to_string().contains("touchstone-server migrate"), "{pending}");
    let bare = definition(database);

    let applied = store.migrate().unwrap();
    assert!(!applied.is_empty());
    store.check_schema().unwrap();
    assert!(store.migrate().unwrap().is_empty(), "the second time there is nothing to do");
    let first = definition(database);
    assert!(first.len() > bare.len());
    append(&store, 0..2);
    drop(store);

    revert_all(database);
    assert_eq!(definition(database), bare);
    let store = database.open();
    assert!(matches!(store.check_schema(), Err(StoreError::PendingMigrations(_))));
    assert_eq!(store.migrate().unwrap(), applied);
    assert_eq!(definition(database), first);
    assert_eq!(append(&store, 0..2), [0, 1]);
}

fn servers_that_start_together_migrate_once(database: &Database) {
    let stores = [database.open(), database.open(), database.open()];
    let applied: usize = thread::scope(|scope| {
        let threads: Vec<_> = stores.iter().map(|store| scope.spawn(|| store.migrate())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().unwrap().len()).sum()
    });
    let all =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite")).unwrap().count();
    assert_eq!(applied, all, "each migration is applied by one of them");
    stores.iter().for_each(|store| store.check_schema().unwrap());
    assert_eq!(append(&stores[0], [0]), [0]);
}
