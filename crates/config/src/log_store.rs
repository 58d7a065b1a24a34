//! `LOGS_MODEL_CONFIG`, where audit logs are kept outside the database.

use crate::field::{choice, object, options};
use crate::secret::Secret;
use crate::setting::{OneOrMany, Opaque};

choice! {
    /// Where new entries go.
    LogProducer {
        /// Elasticsearch.
        Elasticsearch = "elasticsearch",
        /// Kafka.
        Kafka = "kafka",
        /// Amazon Kinesis.
        KinesisStream = "kinesis_stream",
        /// Splunk's management port.
        Splunk = "splunk",
        /// Splunk's HTTP event collector.
        SplunkHec = "splunk_hec",
    }
}

object! {
    /// `elasticsearch_config`.
    ElasticsearchConfig {
        /// Host.
        host => host: String;
        /// Port.
        port => port: u16;
        /// User or AWS access key.
        access_key => access_key: Option<Secret> = None;
        /// Password or AWS secret key.
        secret_key => secret_key: Option<Secret> = None;
        /// AWS region, for the signatures of AWS.
        aws_region => aws_region: Option<String> = None;
        /// Use TLS.
        use_ssl => use_ssl: bool = true;
        /// Prefix of the daily indexes.
        index_prefix => index_prefix: String = "logentry_".into();
        /// Settings of new indexes.
        index_settings => index_settings: Option<Opaque> = None;
    }
}

object! {
    /// `kafka_config`.
    KafkaConfig {
        /// Servers.
        bootstrap_servers => bootstrap_servers: OneOrMany<String>;
        /// Topic.
        topic => topic: String;
        /// Client id.
        client_id => client_id: Option<String> = None;
        /// Seconds that sending may block.
        max_block_seconds => max_block_seconds: u32 = 5;
    }
}

object! {
    /// `kinesis_stream_config`.
    KinesisConfig {
        /// Stream.
        stream_name => stream_name: String;
        /// Region.
        aws_region => aws_region: Option<String> = None;
        /// Access key.
        aws_access_key => aws_access_key: Option<Secret> = None;
        /// Secret key.
        aws_secret_key => aws_secret_key: Option<Secret> = None;
        /// Seconds to wait for a connection.
        connect_timeout => connect_timeout: u32 = 5;
        /// Seconds to wait for an answer.
        read_timeout => read_timeout: u32 = 5;
        /// Attempts after a failure.
        retries => retries: Option<u32> = None;
        /// Another name of `retries`.
        max_retries => max_retries: u32 = 5;
        /// Most connections.
        max_pool_connections => max_pool_connections: u32 = 10;
    }
}

object! {
    /// `splunk_config`.
    SplunkConfig {
        /// Host.
        host => host: String;
        /// Management port.
        port => port: u16;
        /// Token.
        bearer_token => bearer_token: Secret;
        /// `http` or `https`.
        url_scheme => url_scheme: String = "https".into();
        /// Verify the certificate.
        verify_ssl => verify_ssl: bool = true;
        /// Index.
        index_prefix => index_prefix: Option<String> = None;
        /// CA file in the configuration directory.
        ssl_ca_path => ssl_ca_path: Option<String> = None;
        /// Seconds that a search may take, 5 to 300.
        search_timeout => search_timeout: u32 = 60;
        /// Most results of a search, 100 to 50000.
        max_results => max_results: u32 = 10_000;
        /// Entries exported at once, 100 to 10000.
        export_batch_size => export_batch_size: u32 = 5000;
    }
}

object! {
    /// `splunk_hec_config`.
    SplunkHecConfig {
        /// Host.
        host => host: String;
        /// Token of the collector.
        hec_token => hec_token: Secret;
        /// Port of the collector.
        port => port: u16 = 443;
        /// `http` or `https`.
        url_scheme => url_scheme: String = "https".into();
        /// Verify the certificate.
        verify_ssl => verify_ssl: bool = true;
        /// CA file in the configuration directory.
        ssl_ca_path => ssl_ca_path: Option<String> = None;
        /// Index.
        index => index: Option<String> = None;
        /// Host name in entries.
        splunk_host => splunk_host: Option<String> = None;
        /// Source type of entries.
        splunk_sourcetype => splunk_sourcetype: String = "access_combined".into();
        /// Seconds that sending may take, 1 to 15.
        timeout => timeout: u32 = 10;
        /// Seconds that a search may take, 5 to 300.
        search_timeout => search_timeout: u32 = 60;
        /// Most results of a search, 100 to 50000.
        max_results => max_results: u32 = 10_000;
        /// Entries exported at once, 100 to 10000.
        export_batch_size => export_batch_size: u32 = 5000;
        /// Host of searches; by default `host`.
        search_host => search_host: Option<String> = None;
        /// Port of searches.
        search_port => search_port: u16 = 8089;
        /// Token of searches; without one logs cannot be read back.
        search_token => search_token: Option<Secret> = None;
    }
}

options! {
    /// `LOGS_MODEL_CONFIG`.
    LogsModelConfig {
        /// Where new entries go.
        producer => producer: Option<LogProducer> = None;
        /// Elasticsearch.
        elasticsearch_config => elasticsearch_config: Option<ElasticsearchConfig> = None;
        /// Kafka.
        kafka_config => kafka_config: Option<KafkaConfig> = None;
        /// Amazon Kinesis.
        kinesis_stream_config => kinesis_stream_config: Option<KinesisConfig> = None;
        /// Splunk's management port.
        splunk_config => splunk_config: Option<SplunkConfig> = None;
        /// Splunk's HTTP event collector.
        splunk_hec_config => splunk_hec_config: Option<SplunkHecConfig> = None;
    }
}
