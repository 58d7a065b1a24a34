//! Start to ready: the time from exec to the first answer to `GET /v2/`.

use std::fs;
use std::path::Path;

use super::{Case, Found};
use crate::error::{Doing as _, Error};
use crate::figures::Figures;
use crate::interrupt;
use crate::peers::{Cluster, Product, start};
use crate::plan::{Plan, count_label};
use crate::subject::Subject;

/// Repositories that the tags in PostgreSQL are spread over.
const REPOSITORIES: u32 = 100;
/// Manifests in each of them.
const MANIFESTS: u32 = 100;

/// Starts without data, and with many tags in PostgreSQL.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let label = count_label(plan.database_tags);
    vec![
        Case::new("start/empty", "start to ready, no data yet", empty),
        Case::new(
            "start/database",
            format!("start to ready, {label} tags in PostgreSQL"),
            database,
        ),
    ]
}

fn empty(plan: &Plan, subject: &Subject) -> Found {
    let mut times = Vec::new();
    for number in 0..plan.starts {
        interrupt::check()?;
        let home = subject.sibling_home(&format!("start-{number}"));
        let (server, took) = start(&*subject.product, &home)?;
        drop(server);
        times.push(took);
        fs::remove_dir_all(&home).doing(|| format!("remove {}", home.display()))?;
    }
    Ok(Some(Figures::times(times)))
}

/// Starts on the data of a whole run.
pub(crate) fn filled(plan: &Plan, product: &dyn Product, home: &Path) -> Found {
    starts_on(plan, product, home).map(Some)
}

fn database(plan: &Plan, subject: &Subject) -> Found {
    let Some(cluster) = subject.product.cluster() else {
        return Ok(None);
    };
    let home = subject.sibling_home("many");
    // The first life makes the schema and the user that owns the repositories.
    {
        let (server, _) = start(&*subject.product, &home)?;
        subject.product.access(&home, server.address())?;
    }
    make_tags(cluster, &home, plan.database_tags)?;
    starts_on(plan, &*subject.product, &home).map(Some)
}

fn starts_on(plan: &Plan, product: &dyn Product, home: &Path) -> Result<Figures, Error> {
    let mut times = Vec::new();
    for _ in 0..plan.starts {
        interrupt::check()?;
        let (server, took) = start(product, home)?;
        drop(server);
        times.push(took);
    }
    Ok(Figures::times(times))
}

/// Writes repositories, manifests and tags straight into the tables of a Quay database.
fn make_tags(cluster: &Cluster, home: &Path, tags: u32) -> Result<(), Error> {
    let each = tags.div_ceil(REPOSITORIES);
    let sql = format!(
        r#"
INSERT INTO repository (namespace_user_id, name, visibility_id, badge_token, kind_id, trust_enabled, state)
SELECT owner.id, 'many-' || n, visibility.id, md5(n::text), kind.id, false, 0
FROM generate_series(1, {REPOSITORIES}) AS n,
     (SELECT min(id) AS id FROM "user") AS owner,
     (SELECT id FROM visibility WHERE name = 'private') AS visibility,
     (SELECT id FROM repositorykind WHERE name = 'image') AS kind;

INSERT INTO manifest (repository_id, digest, media_type_id, manifest_bytes)
SELECT repository.id, 'sha256:' || md5(repository.id || '/' || n) || md5(n || '/' || repository.id),
       mediatype.id, '{{}}'
FROM repository, generate_series(0, {MANIFESTS} - 1) AS n, mediatype
WHERE repository.name LIKE 'many-%'
  AND mediatype.name = 'application/vnd.oci.image.manifest.v1+json';

INSERT INTO tag (name, repository_id, manifest_id, lifetime_start_ms, hidden, reversion, tag_kind_id, immutable)
SELECT 't' || n, numbered.repository_id, numbered.id, 1700000000000 + n, false, false, kind.id, false
FROM (SELECT id, repository_id, row_number() OVER (PARTITION BY repository_id ORDER BY id) - 1 AS number
      FROM manifest WHERE repository_id IN (SELECT id FROM repository WHERE name LIKE 'many-%')) AS numbered
JOIN generate_series(0, {each} - 1) AS n ON n % {MANIFESTS} = numbered.number,
     (SELECT id FROM tagkind WHERE name = 'tag') AS kind;

ANALYZE;
CHECKPOINT;
"#
    );
    cluster.sql(&crate::peers::database_of(home), &sql)?;
    Ok(())
}
