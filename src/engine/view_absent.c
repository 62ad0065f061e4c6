/* SPDX-License-Identifier: MIT */
/* Catalog views of what the emulator does not have: the columns are there, rows never. */
#include "engine/views_sys.h"

/* ---- objects ---- */

static const engine_view_column sequence_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"start_value", "bigint", false},
    {"increment", "bigint", false},
    {"minimum_value", "bigint", false},
    {"maximum_value", "bigint", false},
    {"is_cycling", "bit", true},
    {"is_cached", "bit", true},
    {"cache_size", "int", true},
    {"system_type_id", "tinyint", false},
    {"user_type_id", "int", false},
    {"precision", "tinyint", false},
    {"scale", "tinyint", true},
    {"current_value", "bigint", false},
    {"is_exhausted", "bit", false},
};

static const engine_view_column trigger_columns[] = {
    {"name", "sysname", false},
    {"object_id", "int", false},
    {"parent_class", "tinyint", false},
    {"parent_class_desc", "nvarchar(60)", true},
    {"parent_id", "int", false},
    {"type", "char(2)", false},
    {"type_desc", "nvarchar(60)", true},
    {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
    {"is_ms_shipped", "bit", false},
    {"is_disabled", "bit", false},
    {"is_not_for_replication", "bit", false},
    {"is_instead_of_trigger", "bit", false},
};

static const engine_view_column synonym_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"base_object_name", "nvarchar(1035)", true},
};

static const engine_view_column service_queue_columns[] = {
    ENGINE_OBJECT_COLUMNS,
    {"max_readers", "smallint", true},
    {"activation_procedure", "nvarchar(776)", true},
    {"execute_as_principal_id", "int", true},
    {"is_activation_enabled", "bit", false},
    {"is_receive_enabled", "bit", false},
    {"is_enqueue_enabled", "bit", false},
    {"is_retention_enabled", "bit", false},
    {"is_poison_message_handling_enabled", "bit", true},
};

static const engine_view_column trigger_event_columns[] = {
    {"object_id", "int", false},
    {"type", "int", false},
    {"type_desc", "nvarchar(60)", true},
    {"is_first", "bit", true},
    {"is_last", "bit", true},
    {"event_group_type", "int", true},
    {"event_group_type_desc", "nvarchar(60)", true},
    {"is_trigger_event", "bit", true},
};

static const engine_view_column numbered_procedure_columns[] = {
    {"object_id", "int", false},
    {"procedure_number", "smallint", true},
    {"definition", "nvarchar(max)", true},
};

static const engine_view_column period_columns[] = {
    {"name", "sysname", false},
    {"period_type", "tinyint", true},
    {"period_type_desc", "nvarchar(60)", true},
    {"object_id", "int", false},
    {"start_column_id", "int", true},
    {"end_column_id", "int", true},
};

static const engine_view_column change_tracking_table_columns[] = {
    {"object_id", "int", false},           {"is_track_columns_updated_on", "bit", false},
    {"min_valid_version", "bigint", true}, {"begin_version", "bigint", true},
    {"cleanup_version", "bigint", true},
};

static const engine_view_column security_policy_columns[] = {
    {"name", "sysname", false},
    {"object_id", "int", false},
    {"principal_id", "int", true},
    {"schema_id", "int", false},
    {"parent_object_id", "int", false},
    {"type", "char(2)", true},
    {"type_desc", "nvarchar(60)", true},
    {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
    {"is_ms_shipped", "bit", false},
    {"is_enabled", "bit", false},
    {"is_not_for_replication", "bit", false},
    {"uses_database_collation", "bit", true},
    {"is_schema_bound", "bit", false},
};

/* ---- assemblies, full text, partitions ---- */

static const engine_view_column assembly_columns[] = {
    {"name", "sysname", false},          {"principal_id", "int", true},
    {"assembly_id", "int", false},       {"clr_name", "nvarchar(4000)", true},
    {"permission_set", "tinyint", true}, {"permission_set_desc", "nvarchar(60)", true},
    {"is_visible", "bit", false},        {"create_date", "datetime", false},
    {"modify_date", "datetime", false},  {"is_user_defined", "bit", true},
};

static const engine_view_column assembly_module_columns[] = {
    {"object_id", "int", false},         {"assembly_id", "int", false},
    {"assembly_class", "sysname", true}, {"assembly_method", "sysname", true},
    {"null_on_null_input", "bit", true}, {"execute_as_principal_id", "int", true},
};

static const engine_view_column fulltext_catalog_columns[] = {
    {"fulltext_catalog_id", "int", false},
    {"name", "sysname", false},
    {"path", "nvarchar(260)", true},
    {"is_default", "bit", false},
    {"is_accent_sensitivity_on", "bit", false},
    {"data_space_id", "int", true},
    {"file_id", "int", true},
    {"principal_id", "int", true},
    {"is_importing", "bit", false},
};

static const engine_view_column fulltext_indexe_columns[] = {
    {"object_id", "int", false},
    {"unique_index_id", "int", false},
    {"fulltext_catalog_id", "int", true},
    {"is_enabled", "bit", false},
    {"change_tracking_state", "char(1)", true},
    {"change_tracking_state_desc", "nvarchar(60)", true},
    {"has_crawl_completed", "bit", false},
    {"crawl_type", "char(1)", false},
    {"crawl_type_desc", "nvarchar(60)", true},
    {"crawl_start_date", "datetime", true},
    {"crawl_end_date", "datetime", true},
    {"incremental_timestamp", "binary(8)", true},
    {"stoplist_id", "int", true},
    {"data_space_id", "int", false},
    {"property_list_id", "int", true},
};

static const engine_view_column fulltext_index_column_columns[] = {
    {"object_id", "int", false},
    {"column_id", "int", false},
    {"type_column_id", "int", true},
    {"language_id", "int", false},
    {"statistical_semantics", "int", false},
};

static const engine_view_column partition_function_columns[] = {
    {"name", "sysname", false},         {"function_id", "int", false},
    {"type", "char(2)", false},         {"type_desc", "nvarchar(60)", true},
    {"fanout", "int", false},           {"boundary_value_on_right", "bit", false},
    {"is_system", "bit", false},        {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
};

static const engine_view_column partition_scheme_columns[] = {
    {"name", "sysname", false},    {"data_space_id", "int", false},
    {"type", "char(2)", false},    {"type_desc", "nvarchar(60)", true},
    {"is_default", "bit", true},   {"is_system", "bit", true},
    {"function_id", "int", false},
};

static const engine_view_column partition_parameter_columns[] = {
    {"function_id", "int", false},        {"parameter_id", "int", false},
    {"system_type_id", "tinyint", false}, {"max_length", "smallint", false},
    {"precision", "tinyint", false},      {"scale", "tinyint", false},
    {"collation_name", "sysname", true},  {"user_type_id", "int", false},
};

/* ---- types ---- */

static const engine_view_column table_type_columns[] = {
    ENGINE_TYPE_COLUMNS,
    {"type_table_object_id", "int", false},
    {"is_memory_optimized", "bit", true},
};

/* ---- keys ---- */

static const engine_view_column certificate_columns[] = {
    {"name", "sysname", false},
    {"certificate_id", "int", false},
    {"principal_id", "int", true},
    {"pvt_key_encryption_type", "char(2)", false},
    {"pvt_key_encryption_type_desc", "nvarchar(60)", true},
    {"is_active_for_begin_dialog", "bit", true},
    {"issuer_name", "nvarchar(442)", true},
    {"cert_serial_number", "nvarchar(64)", true},
    {"sid", "varbinary(85)", true},
    {"string_sid", "nvarchar(128)", true},
    {"subject", "nvarchar(4000)", true},
    {"expiry_date", "datetime", true},
    {"start_date", "datetime", true},
    {"thumbprint", "varbinary(32)", false},
    {"attested_by", "nvarchar(260)", true},
    {"pvt_key_last_backup_date", "datetime", true},
    {"key_length", "int", true},
};

static const engine_view_column column_master_key_columns[] = {
    {"name", "sysname", false},
    {"column_master_key_id", "int", false},
    {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
    {"key_store_provider_name", "sysname", true},
    {"key_path", "nvarchar(4000)", true},
    {"allow_enclave_computations", "bit", false},
    {"signature", "varbinary(max)", true},
};

static const engine_view_column column_encryption_key_columns[] = {
    {"name", "sysname", false},
    {"column_encryption_key_id", "int", false},
    {"create_date", "datetime", false},
    {"modify_date", "datetime", false},
};

static const engine_view_column column_encryption_key_value_columns[] = {
    {"column_encryption_key_id", "int", false},
    {"column_master_key_id", "int", false},
    {"encrypted_value", "varbinary(8000)", true},
    {"encryption_algorithm_name", "sysname", true},
};

/* ---- the list ---- */

#define ABSENT(name, columns) ENGINE_VIEW("sys", name, columns, engine_view_empty)

static const engine_view views[] = {
    ABSENT("sequences", sequence_columns),
    ABSENT("triggers", trigger_columns),
    ABSENT("synonyms", synonym_columns),
    ABSENT("service_queues", service_queue_columns),
    ABSENT("trigger_events", trigger_event_columns),
    ABSENT("numbered_procedures", numbered_procedure_columns),
    ABSENT("periods", period_columns),
    ABSENT("change_tracking_tables", change_tracking_table_columns),
    ABSENT("security_policies", security_policy_columns),
    ABSENT("assemblies", assembly_columns),
    ABSENT("assembly_modules", assembly_module_columns),
    ABSENT("fulltext_catalogs", fulltext_catalog_columns),
    ABSENT("fulltext_indexes", fulltext_indexe_columns),
    ABSENT("fulltext_index_columns", fulltext_index_column_columns),
    ABSENT("partition_functions", partition_function_columns),
    ABSENT("partition_schemes", partition_scheme_columns),
    ABSENT("partition_parameters", partition_parameter_columns),
    ABSENT("table_types", table_type_columns),
    ABSENT("certificates", certificate_columns),
    ABSENT("column_master_keys", column_master_key_columns),
    ABSENT("column_encryption_keys", column_encryption_key_columns),
    ABSENT("column_encryption_key_values", column_encryption_key_value_columns),
};

const engine_views engine_views_absent = {views, ES_COUNT_OF(views)};
