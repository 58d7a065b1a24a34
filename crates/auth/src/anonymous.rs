//! The bearer of requests that show no token.

use std::sync::{Arc, LazyLock};

use crate::auth::Auth;
use crate::bearer::Bearer;

static ANONYMOUS: LazyLock<Arc<Bearer>> = LazyLock::new(|| Arc::new(Bearer::nobody()));

impl Auth {
    /// What a request without a token acts as: it was granted nothing, and may read what is public.
    pub fn anonymous(&self) -> Arc<Bearer> {
        ANONYMOUS.clone()
    }
}
