//! The storage drivers, `[driver, {arguments}]`.
//!
//! Quay replaces an unknown driver by a fake one that loses data; here it is a problem.

mod cdn;
mod object_storage;

use std::path::PathBuf;

use serde_json::{Map, Value, json};

pub use self::cdn::{
    AkamaiArgs, CloudFlareArgs, CloudFrontArgs, MultiCdn, MultiCdnArgs, MultiCdnRule,
};
pub use self::object_storage::{
    AzureArgs, GoogleCloudArgs, IbmCloudArgs, RadosGwArgs, S3Args, StsS3Args, SwiftArgs,
    SwiftAuthVersion,
};
use crate::field::{Field, Object, object, warn_unknown};
use crate::problem::{At, Found, Sink};
use crate::setting::{Setting, as_map};

object! {
    /// `LocalStorage`: a folder.
    LocalArgs {
        /// Folder of the blobs; usually `/datastorage/registry` in the container.
        storage_path => storage_path: PathBuf;
    }
}

/// One storage location.
#[derive(Clone, Debug, PartialEq)]
pub enum StorageDriver {
    /// A folder.
    Local(LocalArgs),
    /// Amazon S3 or a service like it.
    S3(S3Args),
    /// Amazon S3 with credentials from the security token service.
    StsS3(StsS3Args),
    /// S3, read through signed CloudFront URLs.
    CloudFront(S3Args, CloudFrontArgs),
    /// S3, read through signed Cloudflare URLs.
    CloudFlare(S3Args, CloudFlareArgs),
    /// S3, read through signed Akamai URLs.
    Akamai(S3Args, AkamaiArgs),
    /// S3, read through one of several CDNs.
    MultiCdn(MultiCdn),
    /// Ceph RADOS gateway and other services that speak S3.
    RadosGw(RadosGwArgs),
    /// OpenShift Data Foundation (NooBaa).
    Rhocs(RadosGwArgs),
    /// IBM Cloud.
    IbmCloud(IbmCloudArgs),
    /// Google Cloud by its S3 interface.
    GoogleCloud(GoogleCloudArgs),
    /// Azure blob storage.
    Azure(AzureArgs),
    /// OpenStack Swift.
    Swift(SwiftArgs),
}

/// All driver names, as `config.yaml` has them.
pub const DRIVERS: &[&str] = &[
    "LocalStorage",
    "S3Storage",
    "STSS3Storage",
    "CloudFrontedS3Storage",
    "CloudFlareStorage",
    "AkamaiS3Storage",
    "MultiCDNStorage",
    "RadosGWStorage",
    "RHOCSStorage",
    "IBMCloudStorage",
    "GoogleCloudStorage",
    "AzureStorage",
    "SwiftStorage",
];

impl StorageDriver {
    /// The driver's name in `config.yaml`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Local(_) => "LocalStorage",
            Self::S3(_) => "S3Storage",
            Self::StsS3(_) => "STSS3Storage",
            Self::CloudFront(..) => "CloudFrontedS3Storage",
            Self::CloudFlare(..) => "CloudFlareStorage",
            Self::Akamai(..) => "AkamaiS3Storage",
            Self::MultiCdn(_) => "MultiCDNStorage",
            Self::RadosGw(_) => "RadosGWStorage",
            Self::Rhocs(_) => "RHOCSStorage",
            Self::IbmCloud(_) => "IBMCloudStorage",
            Self::GoogleCloud(_) => "GoogleCloudStorage",
            Self::Azure(_) => "AzureStorage",
            Self::Swift(_) => "SwiftStorage",
        }
    }

    /// The arguments of each driver, for the reference.
    pub(crate) fn reference() -> Vec<(&'static str, Vec<Field>)> {
        let with_s3 = |own: Vec<Field>| [own, S3Args::fields()].concat();
        vec![
            ("LocalStorage", LocalArgs::fields()),
            ("S3Storage", S3Args::fields()),
            ("STSS3Storage", StsS3Args::fields()),
            ("CloudFrontedS3Storage", with_s3(CloudFrontArgs::fields())),
            ("CloudFlareStorage", with_s3(CloudFlareArgs::fields())),
            ("AkamaiS3Storage", with_s3(AkamaiArgs::fields())),
            ("MultiCDNStorage", MultiCdnArgs::fields()),
            ("RadosGWStorage and RHOCSStorage", RadosGwArgs::fields()),
            ("IBMCloudStorage", IbmCloudArgs::fields()),
            ("GoogleCloudStorage", GoogleCloudArgs::fields()),
            ("AzureStorage", AzureArgs::fields()),
            ("SwiftStorage", SwiftArgs::fields()),
        ]
    }
}

/// Reads a driver whose arguments are its own and those of S3.
fn with_s3<T: Object>(value: &Value, at: &At, sink: &mut Sink) -> Option<(S3Args, T)> {
    let map = as_map(value, at, sink)?;
    let known = [T::fields(), S3Args::fields()].concat();
    warn_unknown(
        map,
        |key| known.iter().any(|field| field.key == key),
        at,
        sink,
    );
    let s3 = S3Args::read_fields(map, at, sink);
    let own = T::read_fields(map, at, sink);
    Some((s3?, own?))
}

/// Reads the arguments of a named driver.
fn read_driver(name: &str, args: &Value, at: &At, sink: &mut Sink) -> Option<StorageDriver> {
    match name {
        "LocalStorage" => LocalArgs::read(args, at, sink).map(StorageDriver::Local),
        "S3Storage" => S3Args::read(args, at, sink).map(StorageDriver::S3),
        "STSS3Storage" => StsS3Args::read(args, at, sink).map(StorageDriver::StsS3),
        "CloudFrontedS3Storage" => {
            let (s3, own) = with_s3(args, at, sink)?;
            if s3.s3_region.is_none() {
                sink.problem(&at.child("s3_region"), Found::Missing, "required: text");
                return None;
            }
            Some(StorageDriver::CloudFront(s3, own))
        }
        "CloudFlareStorage" => {
            with_s3(args, at, sink).map(|(s3, own)| StorageDriver::CloudFlare(s3, own))
        }
        "AkamaiS3Storage" => {
            with_s3(args, at, sink).map(|(s3, own)| StorageDriver::Akamai(s3, own))
        }
        "MultiCDNStorage" => MultiCdn::read(args, at, sink).map(StorageDriver::MultiCdn),
        "RadosGWStorage" => RadosGwArgs::read(args, at, sink).map(StorageDriver::RadosGw),
        "RHOCSStorage" => RadosGwArgs::read(args, at, sink).map(StorageDriver::Rhocs),
        "IBMCloudStorage" => IbmCloudArgs::read(args, at, sink).map(StorageDriver::IbmCloud),
        "GoogleCloudStorage" => {
            GoogleCloudArgs::read(args, at, sink).map(StorageDriver::GoogleCloud)
        }
        "AzureStorage" => AzureArgs::read(args, at, sink).map(StorageDriver::Azure),
        "SwiftStorage" => {
            let swift = SwiftArgs::read(args, at, sink)?;
            swift.check(at, sink).then_some(StorageDriver::Swift(swift))
        }
        other => {
            sink.problem(
                at,
                Found::text(other),
                format!("a storage driver: {}", DRIVERS.join(", ")),
            );
            None
        }
    }
}

impl Setting for StorageDriver {
    const QUOTABLE: bool = false;

    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        match value.as_array().map(Vec::as_slice) {
            Some([Value::String(name), args]) if DRIVERS.contains(&name.as_str()) => {
                read_driver(name, args, &at.index(1), sink)
            }
            Some([Value::String(name), args]) => read_driver(name, args, &at.index(0), sink),
            _ => {
                sink.problem(
                    at,
                    Found::kind(value),
                    "a list of two: a storage driver and a map of its arguments",
                );
                None
            }
        }
    }

    fn show(&self) -> Value {
        let merged = |s3: &S3Args, own: &dyn Fn(&mut Map<String, Value>)| {
            let mut out = Map::new();
            s3.show_fields(&mut out);
            own(&mut out);
            Value::Object(out)
        };
        let args = match self {
            Self::Local(args) => args.show(),
            Self::S3(args) => args.show(),
            Self::StsS3(args) => args.show(),
            Self::CloudFront(s3, own) => merged(s3, &|out| own.show_fields(out)),
            Self::CloudFlare(s3, own) => merged(s3, &|out| own.show_fields(out)),
            Self::Akamai(s3, own) => merged(s3, &|out| own.show_fields(out)),
            Self::MultiCdn(args) => args.show(),
            Self::RadosGw(args) | Self::Rhocs(args) => args.show(),
            Self::IbmCloud(args) => args.show(),
            Self::GoogleCloud(args) => args.show(),
            Self::Azure(args) => args.show(),
            Self::Swift(args) => args.show(),
        };
        json!([self.name(), args])
    }

    fn kind() -> String {
        "list of a storage driver and its arguments".to_owned()
    }
}
