//! A connection for commands.

use std::time::Duration;

use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::task::AbortHandle;

use crate::Result;
use crate::server::Redis;
use crate::stream::Stream;

/// A connection for commands. After an error it is to be dropped.
pub struct Commands {
    redis: Redis,
    connection: MultiplexedConnection,
    limit: Duration,
    /// Reads and writes the connection.
    driver: AbortHandle,
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Commands {
    pub(crate) async fn over(
        redis: Redis,
        stream: Box<dyn Stream>,
        limit: Duration,
    ) -> Result<Self> {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(limit));
        let (connection, driver) =
            MultiplexedConnection::new_with_config(redis.info(), stream, config)
                .await
                .map_err(|error| redis.failed(error))?;
        Ok(Self {
            redis,
            connection,
            limit,
            driver: tokio::spawn(driver).abort_handle(),
        })
    }

    /// Publishes each payload on its channel, in order, in one round trip.
    pub async fn publish(&mut self, messages: &[(String, String)]) -> Result<()> {
        let mut pipeline = redis::pipe();
        for (channel, payload) in messages {
            pipeline.cmd("PUBLISH").arg(channel).arg(payload).ignore();
        }
        self.run(&pipeline).await
    }

    /// Asks whether the server answers.
    pub async fn ping(&mut self) -> Result<()> {
        self.run(redis::pipe().cmd("PING").ignore()).await
    }

    /// Writes a key and reads it.
    pub(crate) async fn write_and_read(&mut self, key: &str) -> Result<()> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("SET").arg(key).arg("pierhead").ignore();
        pipeline.cmd("GET").arg(key).ignore();
        self.run(&pipeline).await
    }

    async fn run(&mut self, pipeline: &redis::Pipeline) -> Result<()> {
        let Self {
            redis,
            connection,
            limit,
            ..
        } = self;
        let answered = async {
            pipeline
                .query_async::<()>(connection)
                .await
                .map_err(|error| redis.failed(error))
        };
        redis.within(*limit, answered).await
    }
}
