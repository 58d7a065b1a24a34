//! Builds and their triggers, as answers show them (api-v1.md §4 *build*, *trigger*).

use pierhead_db::queries::builds::Build;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::dates;
use crate::services::builds::{Shown, Sight};
use crate::services::triggers::{Service, Trigger};
use crate::state::Api;

/// A build of an image.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Build)]
pub(crate) struct BuildView {
    id: String,
    /// How far it is.
    phase: String,
    /// RFC 2822.
    started: String,
    display_name: String,
    /// What the builder reports.
    #[schema(value_type = Object)]
    status: Map<String, Value>,
    /// The Dockerfile.
    #[schema(value_type = Object)]
    subdirectory: Value,
    /// The Dockerfile.
    #[schema(value_type = Object)]
    dockerfile_path: Value,
    /// The folder that is built.
    #[schema(value_type = Object)]
    context: Value,
    /// The tags that the image gets.
    #[schema(value_type = Vec<String>)]
    tags: Value,
    /// Who asked for it.
    #[schema(value_type = Option<String>)]
    manual_user: Value,
    /// Whether the caller may push to the repository.
    is_writer: bool,
    trigger: Option<TriggerView>,
    /// The commit.
    #[schema(value_type = Option<Object>)]
    trigger_metadata: Value,
    /// The id of the uploaded build context.
    resource_key: Option<String>,
    pull_robot: Option<RobotName>,
    repository: RepositoryPath,
    error: Option<String>,
    /// Where the build context can be fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    archive_url: Option<String>,
}

/// What starts builds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trigger)]
pub(crate) struct TriggerView {
    id: String,
    /// `custom-git`, `github`, `gitlab` or `bitbucket`.
    service: String,
    /// Whether it is set up.
    is_active: bool,
    build_source: Option<String>,
    /// The page of the source.
    repository_url: Option<String>,
    #[schema(value_type = Object)]
    config: Map<String, Value>,
    /// Whether the caller may start a build by hand.
    can_invoke: bool,
    enabled: bool,
    disabled_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_robot: Option<RobotName>,
}

/// A robot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RobotName {
    name: String,
    /// `user`.
    #[schema(value_type = String)]
    kind: &'static str,
    is_robot: bool,
}

impl RobotName {
    fn new(name: String) -> Self {
        Self {
            name,
            kind: "user",
            is_robot: true,
        }
    }
}

/// The two parts of a repository's name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RepositoryPath {
    namespace: String,
    name: String,
}

impl TriggerView {
    /// A trigger as somebody sees it.
    pub(crate) fn new(api: &Api, trigger: Trigger, sight: Sight) -> Self {
        let read = sight.read || sight.admin;
        let active = trigger.is_active();
        let robot = trigger.row.pull_robot.clone().filter(|_| sight.admin);
        let mut view = Self::of(api, trigger.service(), &trigger.config, read, sight.admin);
        view.id = trigger.row.uuid;
        view.service = trigger.row.service;
        view.is_active = active;
        view.enabled = trigger.row.enabled;
        view.disabled_reason = trigger.row.disabled_reason;
        view.pull_robot = robot.map(RobotName::new);
        view
    }

    fn of(
        api: &Api,
        service: Service,
        config: &Map<String, Value>,
        read: bool,
        admin: bool,
    ) -> Self {
        let source = config
            .get("build_source")
            .and_then(Value::as_str)
            .filter(|_| read);
        Self {
            id: String::new(),
            service: service.name().to_owned(),
            is_active: service.is_active(config),
            build_source: source.map(str::to_owned),
            repository_url: source.and_then(|source| service.page(api.config(), source)),
            config: if admin { config.clone() } else { Map::new() },
            can_invoke: admin,
            enabled: true,
            disabled_reason: None,
            pull_robot: None,
        }
    }

    fn of_build(api: &Api, build: &Build, sight: Sight) -> Option<Self> {
        let service = build.trigger_service.clone()?;
        let config = pierhead_db::encoding::json_text::read(build.trigger_config.as_deref());
        let config = config.unwrap_or_default();
        let read = sight.read || sight.admin;
        let kind = Service::named(&service);
        Some(Self {
            id: build.trigger_uuid.clone()?,
            service,
            enabled: build.trigger_enabled.unwrap_or_default(),
            disabled_reason: build.trigger_disabled_reason.clone(),
            ..Self::of(api, kind, &config, read, sight.admin)
        })
    }
}

impl BuildView {
    /// A build as somebody sees it. Readers are told where its context lies if `READER_BUILD_LOGS` is on.
    pub(crate) fn new(api: &Api, shown: Shown, sight: Sight) -> Self {
        let Shown {
            build,
            phase,
            mut job_config,
        } = shown;
        let mut setting = |key: &str, default: Value| job_config.remove(key).unwrap_or(default);
        let subdirectory = setting("build_subdir", json!(""));
        let metadata = setting("trigger_metadata", Value::Null);
        let archive = setting("archive_url", Value::Null);
        let sees_archive = sight.write || api.config().builds.feature_reader_build_logs;
        let archive_url = match &build.resource_key {
            Some(key) => Some(format!("{}/userfiles/{key}", api.0.config.base_url())),
            None => archive
                .as_str()
                .filter(|url| !url.is_empty())
                .map(str::to_owned),
        };
        Self {
            phase,
            started: dates::rfc2822(build.started),
            status: Map::new(),
            dockerfile_path: subdirectory.clone(),
            subdirectory,
            context: setting("context", json!("")),
            tags: setting("docker_tags", json!([])),
            manual_user: setting("manual_user", Value::Null),
            is_writer: sight.write,
            trigger: TriggerView::of_build(api, &build, sight),
            trigger_metadata: if sight.read { metadata } else { Value::Null },
            pull_robot: build.pull_robot.map(RobotName::new),
            repository: RepositoryPath {
                namespace: build.namespace,
                name: build.name,
            },
            error: None,
            archive_url: archive_url.filter(|_| sees_archive),
            id: build.uuid,
            display_name: build.display_name,
            resource_key: build.resource_key,
        }
    }
}
