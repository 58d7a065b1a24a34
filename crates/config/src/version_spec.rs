//! A range of client versions as a setting.

use pierhead_oci::VersionSpec;
use serde_json::Value;

use crate::problem::{At, Found, Sink};
use crate::setting::Setting;

impl Setting for VersionSpec {
    fn read(value: &Value, at: &At, sink: &mut Sink) -> Option<Self> {
        let spec = value.as_str().and_then(|text| text.parse().ok());
        if spec.is_none() {
            let allowed = "blocks of an operator (< <= = == >= > != ^ ~ ~=) and a version, joined by commas without spaces: <1.6.0 or >=1.8,!=1.9.1";
            sink.problem(at, Found::value(value), allowed);
        }
        spec
    }

    fn show(&self) -> Value {
        Value::from(self.to_string())
    }

    fn kind() -> String {
        "version range".to_owned()
    }
}
