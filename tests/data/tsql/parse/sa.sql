SELECT CAST(SERVERPROPERTY('ProductVersion') AS VARCHAR)
GO
SELECT schema_name()
GO
SELECT name FROM sys.system_views WHERE name IN ('dm_exec_sessions', 'dm_pdw_nodes_exec_sessions')
GO
SELECT CAST('test max support' AS NVARCHAR(max))
GO
SELECT 1 FROM fn_listextendedproperty(default, default, default, default, default, default, default)
GO
SELECT [INFORMATION_SCHEMA].[TABLES].[TABLE_NAME] 
FROM [INFORMATION_SCHEMA].[TABLES] 
WHERE ([INFORMATION_SCHEMA].[TABLES].[TABLE_TYPE] = CAST(@P1 AS NVARCHAR(max)) OR [INFORMATION_SCHEMA].[TABLES].[TABLE_TYPE] = CAST(@P2 AS NVARCHAR(max))) AND [INFORMATION_SCHEMA].[TABLES].[TABLE_NAME] = CAST(@P3 AS NVARCHAR(max)) AND [INFORMATION_SCHEMA].[TABLES].[TABLE_SCHEMA] = CAST(@P4 AS NVARCHAR(max))
GO

DROP TABLE sa_c
GO

DROP TABLE sa_a
GO

CREATE TABLE sa_a (
	id INTEGER NOT NULL IDENTITY, 
	name NVARCHAR(50) NOT NULL, 
	amount NUMERIC(10, 2) NULL, 
	ts DATETIME NULL, 
	flag BIT NULL, 
	txt NVARCHAR(max) NULL, 
	blob VARBINARY(max) NULL, 
	PRIMARY KEY (id)
)
GO
CREATE INDEX ix_sa_a_name ON sa_a (name)
GO

CREATE TABLE sa_c (
	id INTEGER NOT NULL IDENTITY, 
	a_id INTEGER NULL, 
	u UNIQUEIDENTIFIER NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT uq1 UNIQUE (a_id, u), 
	FOREIGN KEY(a_id) REFERENCES sa_a (id)
)
GO
INSERT INTO sa_a (name, amount, ts, flag, txt, blob) OUTPUT inserted.id VALUES (@P1, @P2, @P3, @P4, @P5, @P6)
GO
INSERT INTO sa_c (a_id, u) OUTPUT inserted.id, inserted.id AS id__1 SELECT p0, p1 FROM (VALUES (@P1, @P2, 0), (@P3, @P4, 1), (@P5, @P6, 2)) AS imp_sen(p0, p1, sen_counter) ORDER BY sen_counter
GO
SELECT [INFORMATION_SCHEMA].[TABLES].[TABLE_NAME] 
FROM [INFORMATION_SCHEMA].[TABLES] 
WHERE [INFORMATION_SCHEMA].[TABLES].[TABLE_SCHEMA] = CAST(@P1 AS NVARCHAR(max)) AND [INFORMATION_SCHEMA].[TABLES].[TABLE_TYPE] = CAST(@P2 AS NVARCHAR(max)) ORDER BY [INFORMATION_SCHEMA].[TABLES].[TABLE_NAME]
GO
SELECT [INFORMATION_SCHEMA].[SCHEMATA].[SCHEMA_NAME] 
FROM [INFORMATION_SCHEMA].[SCHEMATA] ORDER BY [INFORMATION_SCHEMA].[SCHEMATA].[SCHEMA_NAME]
GO
SELECT sys.columns.name, sys.types.name AS name_1, base_types.name AS base_type, sys.columns.is_nullable, sys.columns.max_length, sys.columns.[precision], sys.columns.scale, sys.default_constraints.definition, sys.columns.collation_name, sys.computed_columns.definition AS definition_1, sys.computed_columns.is_persisted, sys.identity_columns.is_identity, CAST(sys.identity_columns.seed_value AS NUMERIC(38, 0)) AS seed_value, CAST(sys.identity_columns.increment_value AS NUMERIC(38, 0)) AS increment_value, CAST(sys.extended_properties.value AS NVARCHAR(max)) AS comment 
FROM sys.columns JOIN sys.types ON sys.columns.user_type_id = sys.types.user_type_id LEFT OUTER JOIN sys.types AS base_types ON sys.types.system_type_id = base_types.system_type_id AND base_types.user_type_id = base_types.system_type_id LEFT OUTER JOIN sys.default_constraints ON sys.default_constraints.object_id = sys.columns.default_object_id AND sys.default_constraints.parent_column_id = sys.columns.column_id LEFT OUTER JOIN sys.computed_columns ON sys.computed_columns.object_id = sys.columns.object_id AND sys.computed_columns.column_id = sys.columns.column_id LEFT OUTER JOIN sys.identity_columns ON sys.identity_columns.object_id = sys.columns.object_id AND sys.identity_columns.column_id = sys.columns.column_id LEFT OUTER JOIN sys.extended_properties ON sys.extended_properties.class = @P1 AND sys.extended_properties.name = CAST(@P2 AS NVARCHAR(max)) AND sys.columns.object_id = sys.extended_properties.major_id AND sys.columns.column_id = sys.extended_properties.minor_id 
WHERE sys.columns.object_id = object_id(@P3) ORDER BY sys.columns.column_id
GO
SELECT [C].[COLUMN_NAME], [INFORMATION_SCHEMA].[TABLE_CONSTRAINTS].[CONSTRAINT_TYPE], [C].[CONSTRAINT_NAME], objectproperty(object_id([C].[TABLE_SCHEMA] + CAST(@P1 AS NVARCHAR(max)) + [C].[CONSTRAINT_NAME]), @P2) AS is_clustered 
FROM [INFORMATION_SCHEMA].[KEY_COLUMN_USAGE] AS [C], [INFORMATION_SCHEMA].[TABLE_CONSTRAINTS] 
WHERE [INFORMATION_SCHEMA].[TABLE_CONSTRAINTS].[CONSTRAINT_NAME] = [C].[CONSTRAINT_NAME] AND [INFORMATION_SCHEMA].[TABLE_CONSTRAINTS].[TABLE_SCHEMA] = [C].[TABLE_SCHEMA] AND [C].[TABLE_NAME] = CAST(@P3 AS NVARCHAR(max)) AND [C].[TABLE_SCHEMA] = CAST(@P4 AS NVARCHAR(max)) ORDER BY [INFORMATION_SCHEMA].[TABLE_CONSTRAINTS].[CONSTRAINT_NAME], [C].[ORDINAL_POSITION]
GO
WITH fk_info AS (
    SELECT
        ischema_ref_con.constraint_schema,
        ischema_ref_con.constraint_name,
        ischema_key_col.ordinal_position,
        ischema_key_col.table_schema,
        ischema_key_col.table_name,
        ischema_ref_con.unique_constraint_schema,
        ischema_ref_con.unique_constraint_name,
        ischema_ref_con.match_option,
        ischema_ref_con.update_rule,
        ischema_ref_con.delete_rule,
        ischema_key_col.column_name AS constrained_column
    FROM
        INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS ischema_ref_con
        INNER JOIN
        INFORMATION_SCHEMA.KEY_COLUMN_USAGE ischema_key_col ON
            ischema_key_col.table_schema = ischema_ref_con.constraint_schema
            AND ischema_key_col.constraint_name =
            ischema_ref_con.constraint_name
    WHERE ischema_key_col.table_name = CAST(@P1 AS NVARCHAR(max))
        AND ischema_key_col.table_schema = CAST(@P2 AS NVARCHAR(max))
),
constraint_info AS (
    SELECT
        ischema_key_col.constraint_schema,
        ischema_key_col.constraint_name,
        ischema_key_col.ordinal_position,
        ischema_key_col.table_schema,
        ischema_key_col.table_name,
        ischema_key_col.column_name
    FROM
        INFORMATION_SCHEMA.KEY_COLUMN_USAGE ischema_key_col
),
index_info AS (
    SELECT
        sys.schemas.name AS index_schema,
        sys.indexes.name AS index_name,
        sys.index_columns.key_ordinal AS ordinal_position,
        sys.schemas.name AS table_schema,
        sys.objects.name AS table_name,
        sys.columns.name AS column_name
    FROM
        sys.indexes
        INNER JOIN
        sys.objects ON
            sys.objects.object_id = sys.indexes.object_id
        INNER JOIN
        sys.schemas ON
            sys.schemas.schema_id = sys.objects.schema_id
        INNER JOIN
        sys.index_columns ON
            sys.index_columns.object_id = sys.objects.object_id
            AND sys.index_columns.index_id = sys.indexes.index_id
        INNER JOIN
        sys.columns ON
            sys.columns.object_id = sys.indexes.object_id
            AND sys.columns.column_id = sys.index_columns.column_id
)
    SELECT
        fk_info.constraint_schema,
        fk_info.constraint_name,
        fk_info.ordinal_position,
        fk_info.constrained_column,
        constraint_info.table_schema AS referred_table_schema,
        constraint_info.table_name AS referred_table_name,
        constraint_info.column_name AS referred_column,
        fk_info.match_option,
        fk_info.update_rule,
        fk_info.delete_rule
    FROM
        fk_info INNER JOIN constraint_info ON
            constraint_info.constraint_schema =
                fk_info.unique_constraint_schema
            AND constraint_info.constraint_name =
                fk_info.unique_constraint_name
            AND constraint_info.ordinal_position = fk_info.ordinal_position
    UNION
    SELECT
        fk_info.constraint_schema,
        fk_info.constraint_name,
        fk_info.ordinal_position,
        fk_info.constrained_column,
        index_info.table_schema AS referred_table_schema,
        index_info.table_name AS referred_table_name,
        index_info.column_name AS referred_column,
        fk_info.match_option,
        fk_info.update_rule,
        fk_info.delete_rule
    FROM
        fk_info INNER JOIN index_info ON
            index_info.index_schema = fk_info.unique_constraint_schema
            AND index_info.index_name = fk_info.unique_constraint_name
            AND index_info.ordinal_position = fk_info.ordinal_position
            AND NOT (index_info.table_schema = fk_info.table_schema
                     AND index_info.table_name = fk_info.table_name)

    ORDER BY fk_info.constraint_schema, fk_info.constraint_name,
        fk_info.ordinal_position
GO

select
    ind.index_id,
    ind.is_unique,
    ind.name,
    ind.type,
    ind.filter_definition
from
    sys.indexes as ind
join sys.tables as tab on
    ind.object_id = tab.object_id
join sys.schemas as sch on
    sch.schema_id = tab.schema_id
where
    tab.name = CAST(@P1 AS NVARCHAR(max))
    and sch.name = CAST(@P2 AS NVARCHAR(max))
    and ind.is_primary_key = 0
    and ind.type != 0
order by
    ind.name
                
GO

select
    ind_col.index_id,
    col.name,
    ind_col.is_included_column
from
    sys.columns as col
join sys.tables as tab on
    tab.object_id = col.object_id
join sys.index_columns as ind_col on
    ind_col.column_id = col.column_id
    and ind_col.object_id = tab.object_id
join sys.schemas as sch on
    sch.schema_id = tab.schema_id
where
    tab.name = CAST(@P1 AS NVARCHAR(max))
    and sch.name = CAST(@P2 AS NVARCHAR(max))
order by
    ind_col.index_id,
    ind_col.key_ordinal
            
GO
