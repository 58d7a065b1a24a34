//! The management API, group by group, over HTTP.
