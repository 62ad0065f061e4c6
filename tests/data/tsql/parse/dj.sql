sp_datatype_info_100 12,3
GO
sp_datatype_info_100 -9,3
GO
SELECT @@TRANCOUNT
GO
SET DATEFORMAT ymd; SET DATEFIRST 7
GO
SELECT CAST(SERVERPROPERTY('ProductVersion') AS varchar)
GO
SELECT SYSDATETIME()
GO
select 1
GO
SELECT TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA = SCHEMA_NAME()
GO
CREATE TABLE [django_migrations] ([id] int NOT NULL PRIMARY KEY IDENTITY (1, 1), [app] nvarchar(255) NOT NULL, [name] nvarchar(255) NOT NULL, [applied] datetime2 NOT NULL)
GO
CREATE TABLE [app_author] ([id] int NOT NULL PRIMARY KEY IDENTITY (1, 1), [name] nvarchar(100) NOT NULL, [born] date NULL)
GO
CREATE TABLE [app_book] ([id] int NOT NULL PRIMARY KEY IDENTITY (1, 1), [title] nvarchar(200) NOT NULL UNIQUE, [price] numeric(8, 2) NULL, [created] datetime2 NOT NULL, [data] nvarchar(max) NULL CONSTRAINT app_book_data_c3e69cf7_check CHECK ((ISJSON ("data") = 1)), [uid] char(32) NULL, [active] bit NOT NULL, [author_id] int NOT NULL)
GO
CREATE INDEX [app_book_author_id_980d3e25] ON [app_book] ([author_id])
GO
CREATE INDEX [app_author_name_913eb4ae] ON [app_author] ([name])
GO
ALTER TABLE [app_book] ADD CONSTRAINT [app_book_author_id_980d3e25_fk_app_author_id] FOREIGN KEY ([author_id]) REFERENCES [app_author] ([id])
GO
SET NOCOUNT ON INSERT INTO [django_migrations] ([app], [name], [applied]) VALUES (@P1, @P2, @P3); SELECT CAST(SCOPE_IDENTITY() AS bigint)
GO
CREATE TABLE [django_content_type] ([id] int NOT NULL PRIMARY KEY IDENTITY (1, 1), [name] nvarchar(100) NOT NULL, [app_label] nvarchar(100) NOT NULL, [model] nvarchar(100) NOT NULL)
GO
CREATE UNIQUE INDEX [django_content_type_app_label_model_76bd3d3b_uniq] ON [django_content_type] ([app_label], [model]) WHERE [app_label] IS NOT NULL AND [model] IS NOT NULL
GO

            SELECT
                kc.constraint_name,
                kc.column_name,
                tc.constraint_type,
                fk.referenced_table_name,
                fk.referenced_column_name
            FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS kc
            INNER JOIN INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS tc ON
                kc.table_schema = tc.table_schema AND
                kc.table_name = tc.table_name AND
                kc.constraint_name = tc.constraint_name
            LEFT OUTER JOIN (
                SELECT
                    ps.name AS table_schema,
                    pt.name AS table_name,
                    pc.name AS column_name,
                    rt.name AS referenced_table_name,
                    rc.name AS referenced_column_name
                FROM
                    sys.foreign_key_columns fkc
                INNER JOIN sys.tables pt ON
                    fkc.parent_object_id = pt.object_id
                INNER JOIN sys.schemas ps ON
                    pt.schema_id = ps.schema_id
                INNER JOIN sys.columns pc ON
                    fkc.parent_object_id = pc.object_id AND
                    fkc.parent_column_id = pc.column_id
                INNER JOIN sys.tables rt ON
                    fkc.referenced_object_id = rt.object_id
                INNER JOIN sys.schemas rs ON
                    rt.schema_id = rs.schema_id
                INNER JOIN sys.columns rc ON
                    fkc.referenced_object_id = rc.object_id AND
                    fkc.referenced_column_id = rc.column_id
            ) fk ON
                kc.table_schema = fk.table_schema AND
                kc.table_name = fk.table_name AND
                kc.column_name = fk.column_name
            WHERE
                kc.table_schema = SCHEMA_NAME() AND
                kc.table_name = @P1
            ORDER BY
                kc.constraint_name ASC,
                kc.ordinal_position ASC
        
GO

            SELECT kc.constraint_name, kc.column_name
            FROM INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE AS kc
            JOIN INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS c ON
                kc.table_schema = c.table_schema AND
                kc.table_name = c.table_name AND
                kc.constraint_name = c.constraint_name
            WHERE
                c.constraint_type = 'CHECK' AND
                kc.table_schema = SCHEMA_NAME() AND
                kc.table_name = @P1
        
GO

            SELECT
                [name],
                COL_NAME([parent_object_id], [parent_column_id])
            FROM
                [sys].[default_constraints]
            WHERE
                OBJECT_NAME([parent_object_id]) = @P1
        
GO

            SELECT
                i.name AS index_name,
                i.is_unique,
                i.is_unique_constraint,
                i.is_primary_key,
                i.type,
                i.type_desc,
                ic.is_descending_key,
                c.name AS column_name
            FROM
                sys.tables AS t
            INNER JOIN sys.schemas AS s ON
                t.schema_id = s.schema_id
            INNER JOIN sys.indexes AS i ON
                t.object_id = i.object_id
            INNER JOIN sys.index_columns AS ic ON
                i.object_id = ic.object_id AND
                i.index_id = ic.index_id
            INNER JOIN sys.columns AS c ON
                ic.object_id = c.object_id AND
                ic.column_id = c.column_id
            WHERE
                t.schema_id = SCHEMA_ID(SCHEMA_NAME()) AND
                t.name = @P1
            ORDER BY
                i.index_id ASC,
                ic.index_column_id ASC
        
GO
ALTER TABLE [django_content_type] ALTER COLUMN [name] nvarchar(100) NULL
GO
SET NOCOUNT ON INSERT INTO [app_author] ([name], [born]) VALUES (@P1, @P2); SELECT CAST(SCOPE_IDENTITY() AS bigint)
GO
INSERT INTO [app_book] ([title], [author_id], [price], [created], [data], [uid], [active]) VALUES (@P1, @P2, @P3, @P4, @P5, @P6, @P7), (@P8, @P9, @P10, @P11, @P12, @P13, @P14), (@P15, @P16, @P17, @P18, @P19, @P20, @P21)
GO
SELECT [app_book].[id], [app_book].[title], [app_book].[author_id], [app_book].[price], [app_book].[created], [app_book].[data], [app_book].[uid], [app_book].[active], [app_author].[id], [app_author].[name], [app_author].[born] FROM [app_book] INNER JOIN [app_author] ON ([app_book].[author_id] = [app_author].[id]) WHERE (UPPER([app_author].[name]) LIKE UPPER(@P1) ESCAPE '\' AND [app_book].[price] > @P2) ORDER BY [app_book].[id] DESC  OFFSET 1 ROWS FETCH FIRST 2 ROWS ONLY
GO
SELECT TOP 21 [app_book].[author_id], COUNT_BIG([app_book].[id]) AS [n] FROM [app_book] GROUP BY [app_book].[author_id] ORDER BY [app_book].[author_id] ASC
GO
SET NOCOUNT OFF; UPDATE [app_book] SET [title] = @P1 WHERE [app_book].[id] = @P2
GO
SELECT TOP 1 (1) AS [a] FROM [app_book] WHERE [app_book].[title] = @P1
GO
SELECT TOP 21 [app_author].[id], [app_author].[name], [app_author].[born] FROM [app_author] WHERE [app_author].[name] = @P1
GO
SELECT [app_author].[id], [app_author].[name], [app_author].[born] FROM [app_author]
GO
SET NOCOUNT OFF; DELETE FROM [app_book] WHERE [app_book].[author_id] IN (@P1, @P2)
GO
SET NOCOUNT OFF; DELETE FROM [app_author] WHERE [app_author].[id] IN (@P1, @P2)
GO
SELECT [app_book].[id], [app_book].[title], [app_book].[author_id], [app_book].[price], [app_book].[created], [app_book].[data], [app_book].[uid], [app_book].[active] FROM [app_book] WHERE [app_book].[created] BETWEEN @P1 AND @P2
GO

SELECT e.COLUMN_NAME AS column_name,
  c.TABLE_NAME AS referenced_table_name,
  d.COLUMN_NAME AS referenced_column_name
FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS a
INNER JOIN INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS AS b
  ON a.CONSTRAINT_NAME = b.CONSTRAINT_NAME AND a.TABLE_SCHEMA = b.CONSTRAINT_SCHEMA
INNER JOIN INFORMATION_SCHEMA.CONSTRAINT_TABLE_USAGE AS c
  ON b.UNIQUE_CONSTRAINT_NAME = c.CONSTRAINT_NAME AND b.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA
INNER JOIN INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE AS d
  ON c.CONSTRAINT_NAME = d.CONSTRAINT_NAME AND c.CONSTRAINT_SCHEMA = d.CONSTRAINT_SCHEMA
INNER JOIN INFORMATION_SCHEMA.CONSTRAINT_COLUMN_USAGE AS e
  ON a.CONSTRAINT_NAME = e.CONSTRAINT_NAME AND a.TABLE_SCHEMA = e.TABLE_SCHEMA
WHERE a.TABLE_SCHEMA = SCHEMA_NAME() AND a.TABLE_NAME = @P1 AND a.CONSTRAINT_TYPE = 'FOREIGN KEY'
GO
