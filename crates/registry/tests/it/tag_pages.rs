//! Pages of tags by number, as the management API lists them.

use std::time::Instant;

use pierhead_auth::accounts::Visibility;
use pierhead_db::RepositoryId;
use pierhead_db::queries::tag_history::{self, Wanted};
use pierhead_registry::TagFilter;

use crate::site::{Caller, Cost, Engine, Image, Settings, Site};

/// Pushes an image to `ann/app` and adds so many tags to it, older ones, every third of which has ended.
async fn tags(site: &Site, ann: &Caller<'_>, number: usize) -> RepositoryId {
    ann.push_image("ann/app", "first", &Image::of("image"))
        .await;
    site.sql(&format!(
        "INSERT INTO tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id, immutable) \
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {number}) \
         SELECT 'tag-' || n, repository_id, manifest_id, lifetime_start_ms - 2 * n, \
            CASE WHEN n % 3 = 0 THEN lifetime_start_ms - n END, false, false, tag_kind_id, false FROM tag, s WHERE name = 'first'"
    ))
    .await;
    RepositoryId(site.sql("SELECT id FROM repository").await.parse().unwrap())
}

async fn page(
    site: &Site,
    repository: RepositoryId,
    filter: &TagFilter,
    (page, size): (i64, i64),
) -> Vec<String> {
    let page = site
        .registry
        .tag_page(repository, filter, page, size)
        .await
        .unwrap();
    page.tags.into_iter().map(|tag| tag.row.name).collect()
}

/// Asks for these pages of 25 and compares them with what counting gives.
async fn compare(site: &Site, repository: RepositoryId, pages: &[i64]) {
    let filters = [
        ("", TagFilter::default()),
        (
            "AND lifetime_end_ms IS NULL",
            TagFilter {
                only_alive: true,
                ..TagFilter::default()
            },
        ),
        (
            "AND name LIKE '%7%'",
            TagFilter {
                contains: Some("7".to_owned()),
                ..TagFilter::default()
            },
        ),
    ];
    for number in pages {
        for (condition, filter) in &filters {
            let counted = site
                .sql(&format!(
                    "SELECT name FROM tag WHERE hidden = false {condition} \
                     ORDER BY lifetime_start_ms DESC, name LIMIT 25 OFFSET {}",
                    25 * (number - 1)
                ))
                .await;
            assert_eq!(
                page(site, repository, filter, (*number, 25))
                    .await
                    .join("\n"),
                counted,
                "page {number} {condition}"
            );
        }
    }
}

on_both_engines! {
    fn a_page_is_what_lies_behind_so_many_tags_now(site) {
        let ann = site.ann(&["ann/app"]).await;
        let repository = tags(site, &ann, 5000).await;
        compare(site, repository, &[1, 2, 150, 151, 60, 3, 201, 202, 1000, 1]).await;
        // What comes in front, what moves there, and what ends among the living.
        for round in 0..3 {
            ann.push_image("ann/app", &format!("new-7-{round}"), &Image::of("image")).await;
            ann.push_image("ann/app", "tag-1000", &Image::of("other")).await;
            for number in [70, 1700, 2500] {
                ann.delete(&format!("/v2/ann/app/manifests/tag-{}", number + 3 * round)).await.expect(202);
            }
            compare(site, repository, &[150, 2, 1, 3, 60, 129, 202, 1000]).await;
        }
    }

    fn a_page_costs_what_is_on_it_and_not_what_lies_before_it(site) {
        let ann = site.ann(&["ann/app"]).await;
        let repository = tags(site, &ann, 5000).await;
        let everything = TagFilter::default();
        let page = |number| page(site, repository, &everything, (number, 25));
        // When the newest began, four places on the way, the page.
        assert_eq!(site.cost(page(190)).await.0, Cost::statements(6));
        for number in [191, 192, 190, 150, 1, 2, 199] {
            assert_eq!(site.cost(page(number)).await.0, Cost::statements(2), "page {number}");
        }
    }
}

/// Prints what pages of a long list cost; the long mode runs it.
async fn measure(engine: Engine) {
    let site = Site::start(engine, Settings::new()).await;
    site.repository("ann/app", Visibility::Private).await;
    let ann = site.ann(&["ann/app"]).await;
    let repository = tags(&site, &ann, 100_000).await;
    site.sql("ANALYZE").await;
    let everything = TagFilter::default();
    let counting = Wanted {
        repository,
        alive_at: None,
        like: None,
        after: None,
        offset: 99_750,
        limit: 51,
    };
    let mut conn = site.db.read().await.unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        tag_history::page(&mut conn, &counting).await.unwrap();
        println!("the last page by counting alone: {:?}", began.elapsed());
    }
    drop(conn);
    for (what, pages, most) in [
        ("the last page, of which nothing is known", vec![1996], 18),
        // Places come nearer with each request.
        ("the last page again", vec![1996], 8),
        ("the last page once more", vec![1996], 2),
        (
            "pages out of order",
            vec![1900, 17, 1203, 777, 1500, 1995, 400, 42],
            8,
        ),
        (
            "the same again",
            vec![1900, 17, 1203, 777, 1500, 1995, 400, 42],
            2,
        ),
        ("pages in order", (1001..1101).collect(), 2),
    ] {
        let number = pages.len();
        let began = Instant::now();
        let (cost, ()) = site
            .cost(async {
                for at in pages {
                    let names = page(&site, repository, &everything, (at, 50)).await;
                    assert_eq!(names.len(), 50, "page {at}");
                }
            })
            .await;
        let each = began.elapsed() / u32::try_from(number).unwrap();
        let statements = cost.statements / number as u64;
        println!("{what}: {each:?}, {statements} statements");
        assert!(statements <= most, "{what}: {statements} statements");
    }
}

#[tokio::test]
#[ignore = "a measurement, for the long mode"]
async fn pages_of_a_hundred_thousand_tags_on_sqlite() {
    measure(Engine::Sqlite).await;
}

#[tokio::test]
#[ignore = "a measurement, for the long mode"]
async fn pages_of_a_hundred_thousand_tags_on_postgresql() {
    measure(Engine::postgresql().await).await;
}
