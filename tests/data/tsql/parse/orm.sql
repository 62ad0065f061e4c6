if object_id('[kn_b]', 'U') is not null DROP TABLE [kn_b]
GO
if object_id('[kn_a]', 'U') is not null DROP TABLE [kn_a]
GO
SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_NAME = @p0
GO
CREATE TABLE [knex_migrations] ([id] int identity(1,1) not null primary key, [name] nvarchar(255), [batch] int, [migration_time] datetime2)
GO
CREATE TABLE [knex_migrations_lock] ([index] int identity(1,1) not null primary key, [is_locked] int)
GO
select * from [knex_migrations_lock]
GO
insert into [knex_migrations_lock] ([is_locked]) values (@p0)
GO
select [name] from [knex_migrations] order by [id] asc
GO
update [knex_migrations_lock] set [is_locked] = @p0 where [is_locked] = @p1;select @@rowcount
GO
insert into [kn_a] ([f], [name], [txt]) output inserted.[id] values (@p0, @p1, @p2)
GO
insert into [kn_a] ([name]) values (@p0), (@p1)
GO
select top (@p0) * from [kn_a] where [name] = @p1 order by [id] asc
GO
select top (@p0) * from [kn_a] where [id] > @p1
GO
update [kn_a] set [txt] = @p0 output inserted.[id], inserted.[txt] where [id] = @p1
GO
insert into [kn_a] ([name]) values (@p0)
GO
delete from [kn_a] where [id] = @p0;select @@rowcount
GO
select [COLUMN_NAME], [COLUMN_DEFAULT], [DATA_TYPE], [CHARACTER_MAXIMUM_LENGTH], [IS_NULLABLE] from INFORMATION_SCHEMA.COLUMNS where table_name = @p0 and table_catalog = @p1 and table_schema = 'dbo'
GO
select object_id from sys.columns where name = @p0 and object_id = object_id(@p1)
GO
ALTER TABLE [kn_a] ADD [nw] nvarchar(255)
GO
exec sp_rename @p0, @p1
GO
if object_id('[kn_c]', 'U') is not null DROP TABLE [kn_c]
GO
CREATE TABLE [kn_a] ([id] int identity(1,1) not null primary key, [name] nvarchar(255) not null, [txt] nvarchar(max), [amt] decimal(10, 2) CONSTRAINT [kn_a_amt_default] DEFAULT '0', [created_at] datetime2 not null CONSTRAINT [kn_a_created_at_default] DEFAULT CURRENT_TIMESTAMP, [updated_at] datetime2 not null CONSTRAINT [kn_a_updated_at_default] DEFAULT CURRENT_TIMESTAMP, [u] uniqueidentifier, [f] bit, [j] nvarchar(max), [big] bigint)
GO
CREATE UNIQUE INDEX [kn_a_name_unique] ON [kn_a] ([name]) WHERE [name] IS NOT NULL
GO
CREATE TABLE [kn_b] ([id] bigint identity(1,1) not null primary key, [a_id] int, [d] datetime2, CONSTRAINT [kn_b_a_id_foreign] FOREIGN KEY ([a_id]) REFERENCES [kn_a] ([id]) ON DELETE CASCADE)
GO
CREATE INDEX [kn_b_a_id_index] ON [kn_b] ([a_id])
GO
select count(*) as [n] from [kn_a]
GO
exec sp_rename @p0, @p1, 'COLUMN'
GO

              DECLARE @constraint varchar(100) = (SELECT default_constraints.name
                                                  FROM sys.all_columns
                                                  INNER JOIN sys.tables
                                                    ON all_columns.object_id = tables.object_id
                                                  INNER JOIN sys.schemas
                                                    ON tables.schema_id = schemas.schema_id
                                                  INNER JOIN sys.default_constraints
                                                    ON all_columns.default_object_id = default_constraints.object_id
                                                  WHERE schemas.name = 'dbo'
                                                  AND tables.name = 'kn_a'
                                                  AND all_columns.name = 'j')

              IF @constraint IS NOT NULL EXEC('ALTER TABLE kn_a DROP CONSTRAINT ' + @constraint)
GO
ALTER TABLE [kn_a] DROP COLUMN [j]
GO
DECLARE @ms_ver NVARCHAR(20); SET @ms_ver = REVERSE(CONVERT(NVARCHAR(20), SERVERPROPERTY('ProductVersion'))); SELECT REVERSE(SUBSTRING(@ms_ver, CHARINDEX('.', @ms_ver)+1, 20)) AS 'version'
GO
SELECT 1+1 AS result
GO
IF OBJECT_ID('[SqBs]', 'U') IS NOT NULL DROP TABLE [SqBs];
GO
IF OBJECT_ID('[SqAs]', 'U') IS NOT NULL DROP TABLE [SqAs];
GO
SELECT constraint_name = OBJ.NAME, constraintName = OBJ.NAME, constraintCatalog = 'mydb', constraintSchema = SCHEMA_NAME(OBJ.SCHEMA_ID), tableName = TB.NAME, tableSchema = SCHEMA_NAME(TB.SCHEMA_ID), tableCatalog = 'mydb', columnName = COL.NAME, referencedTableSchema = SCHEMA_NAME(RTB.SCHEMA_ID), referencedCatalog = 'mydb', referencedTableName = RTB.NAME, referencedColumnName = RCOL.NAME FROM sys.foreign_key_columns FKC INNER JOIN sys.objects OBJ ON OBJ.OBJECT_ID = FKC.CONSTRAINT_OBJECT_ID INNER JOIN sys.tables TB ON TB.OBJECT_ID = FKC.PARENT_OBJECT_ID INNER JOIN sys.columns COL ON COL.COLUMN_ID = PARENT_COLUMN_ID AND COL.OBJECT_ID = TB.OBJECT_ID INNER JOIN sys.tables RTB ON RTB.OBJECT_ID = FKC.REFERENCED_OBJECT_ID INNER JOIN sys.columns RCOL ON RCOL.COLUMN_ID = REFERENCED_COLUMN_ID AND RCOL.OBJECT_ID = RTB.OBJECT_ID WHERE TB.NAME ='SqAs'
GO
SELECT constraint_name = OBJ.NAME, constraintName = OBJ.NAME, constraintCatalog = 'mydb', constraintSchema = SCHEMA_NAME(OBJ.SCHEMA_ID), tableName = TB.NAME, tableSchema = SCHEMA_NAME(TB.SCHEMA_ID), tableCatalog = 'mydb', columnName = COL.NAME, referencedTableSchema = SCHEMA_NAME(RTB.SCHEMA_ID), referencedCatalog = 'mydb', referencedTableName = RTB.NAME, referencedColumnName = RCOL.NAME FROM sys.foreign_key_columns FKC INNER JOIN sys.objects OBJ ON OBJ.OBJECT_ID = FKC.CONSTRAINT_OBJECT_ID INNER JOIN sys.tables TB ON TB.OBJECT_ID = FKC.PARENT_OBJECT_ID INNER JOIN sys.columns COL ON COL.COLUMN_ID = PARENT_COLUMN_ID AND COL.OBJECT_ID = TB.OBJECT_ID INNER JOIN sys.tables RTB ON RTB.OBJECT_ID = FKC.REFERENCED_OBJECT_ID INNER JOIN sys.columns RCOL ON RCOL.COLUMN_ID = REFERENCED_COLUMN_ID AND RCOL.OBJECT_ID = RTB.OBJECT_ID WHERE TB.NAME ='SqBs'
GO
IF OBJECT_ID('[SqAs]', 'U') IS NULL CREATE TABLE [SqAs] ([id] INTEGER NOT NULL IDENTITY(1,1) , [name] NVARCHAR(50) NOT NULL UNIQUE, [amt] DECIMAL(10,2) NULL, [f] BIT DEFAULT 1, [u] CHAR(36) NULL, [j] NVARCHAR(MAX) NULL, [d] DATETIMEOFFSET NULL, [createdAt] DATETIMEOFFSET NOT NULL, [updatedAt] DATETIMEOFFSET NOT NULL, PRIMARY KEY ([id]));
GO
EXEC sys.sp_helpindex @objname = N'[SqAs]';
GO
INSERT INTO [SqAs] ([name],[amt],[f],[d],[createdAt],[updatedAt]) OUTPUT INSERTED.[id],INSERTED.[name],INSERTED.[amt],INSERTED.[f],INSERTED.[u],INSERTED.[j],INSERTED.[d],INSERTED.[createdAt],INSERTED.[updatedAt] VALUES (@0,@1,@2,@3,@4,@5);
GO
INSERT INTO [SqAs] ([name],[f],[createdAt],[updatedAt]) OUTPUT INSERTED.[id],INSERTED.[name],INSERTED.[amt],INSERTED.[f],INSERTED.[u],INSERTED.[j],INSERTED.[d],INSERTED.[createdAt],INSERTED.[updatedAt] VALUES (N'b1',1,'2026-11-23 23:37:57.292 +00:00','2026-11-23 23:37:57.292 +00:00'),(N'b2',1,'2026-11-23 23:37:57.292 +00:00','2026-11-23 23:37:57.292 +00:00');
GO
SELECT [id], [name], [amt], [f], [u], [j], [d], [createdAt], [updatedAt] FROM [SqAs] AS [SqA] WHERE [SqA].[name] LIKE N'b%' ORDER BY [SqA].[id] DESC OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY;
GO
SELECT count([SqA].[id]) AS [count] FROM [SqAs] AS [SqA] LEFT OUTER JOIN [SqBs] AS [SqBs] ON [SqA].[id] = [SqBs].[SqAId];
GO
SELECT [SqA].*, [SqBs].[id] AS [SqBs.id], [SqBs].[t] AS [SqBs.t], [SqBs].[createdAt] AS [SqBs.createdAt], [SqBs].[updatedAt] AS [SqBs.updatedAt], [SqBs].[SqAId] AS [SqBs.SqAId] FROM (SELECT [SqA].[id], [SqA].[name], [SqA].[amt], [SqA].[f], [SqA].[u], [SqA].[j], [SqA].[d], [SqA].[createdAt], [SqA].[updatedAt] FROM [SqAs] AS [SqA] ORDER BY [SqA].[id] OFFSET 0 ROWS FETCH NEXT 2 ROWS ONLY) AS [SqA] LEFT OUTER JOIN [SqBs] AS [SqBs] ON [SqA].[id] = [SqBs].[SqAId];
GO
SET IDENTITY_INSERT [SqAs] ON; MERGE INTO [SqAs] WITH(HOLDLOCK) AS [SqAs_target] USING (VALUES(1, N'x', 9, 1, '2026-11-23 23:37:57.528 +00:00', '2026-11-23 23:37:57.528 +00:00')) AS [SqAs_source]([id], [name], [amt], [f], [createdAt], [updatedAt]) ON [SqAs_target].[id] = [SqAs_source].[id] WHEN MATCHED THEN UPDATE SET [SqAs_target].[name] = N'x', [SqAs_target].[amt] = 9, [SqAs_target].[updatedAt] = '2026-11-23 23:37:57.528 +00:00' WHEN NOT MATCHED THEN INSERT ([id], [name], [amt], [f], [createdAt], [updatedAt]) VALUES(1, N'x', 9, 1, '2026-11-23 23:37:57.528 +00:00', '2026-11-23 23:37:57.528 +00:00') OUTPUT $action, INSERTED.*; SET IDENTITY_INSERT [SqAs] OFF;
GO
UPDATE [SqAs] SET [amt]=@0,[updatedAt]=@1 WHERE [id] = @2
GO
SELECT [id], [name], [amt], [f], [u], [j], [d], [createdAt], [updatedAt] FROM [SqAs] AS [SqA] WHERE [SqA].[name] = N'foc';
GO
INSERT INTO [SqAs] ([name],[amt],[f],[createdAt],[updatedAt]) OUTPUT INSERTED.[id],INSERTED.[name],INSERTED.[amt],INSERTED.[f],INSERTED.[u],INSERTED.[j],INSERTED.[d],INSERTED.[createdAt],INSERTED.[updatedAt] VALUES (@0,@1,@2,@3,@4);
GO
UPDATE [SqAs] SET [amt]=[amt]+ 1,[updatedAt]='2026-11-23 23:37:57.689 +00:00' OUTPUT INSERTED.* WHERE [id] = 1
GO
INSERT INTO [SqAs] ([name],[f],[createdAt],[updatedAt]) OUTPUT INSERTED.[id],INSERTED.[name],INSERTED.[amt],INSERTED.[f],INSERTED.[u],INSERTED.[j],INSERTED.[d],INSERTED.[createdAt],INSERTED.[updatedAt] VALUES (@0,@1,@2,@3);
GO
DELETE FROM [SqAs] WHERE [id] = 1; SELECT @@ROWCOUNT AS AFFECTEDROWS;
GO
SELECT c.COLUMN_NAME AS 'Name', c.DATA_TYPE AS 'Type', c.CHARACTER_MAXIMUM_LENGTH AS 'Length', c.IS_NULLABLE as 'IsNull', COLUMN_DEFAULT AS 'Default', pk.CONSTRAINT_TYPE AS 'Constraint', COLUMNPROPERTY(OBJECT_ID('[' + c.TABLE_SCHEMA + '].[' + c.TABLE_NAME + ']'), c.COLUMN_NAME, 'IsIdentity') as 'IsIdentity', CAST(prop.value AS NVARCHAR) AS 'Comment' FROM INFORMATION_SCHEMA.TABLES t INNER JOIN INFORMATION_SCHEMA.COLUMNS c ON t.TABLE_NAME = c.TABLE_NAME AND t.TABLE_SCHEMA = c.TABLE_SCHEMA LEFT JOIN (SELECT tc.table_schema, tc.table_name,  cu.column_name, tc.CONSTRAINT_TYPE  FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS tc  JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE  cu  ON tc.table_schema=cu.table_schema and tc.table_name=cu.table_name  and tc.constraint_name=cu.constraint_name  and tc.CONSTRAINT_TYPE='PRIMARY KEY') pk  ON pk.table_schema=c.table_schema  AND pk.table_name=c.table_name  AND pk.column_name=c.column_name  INNER JOIN sys.columns AS sc ON sc.object_id = OBJECT_ID('[' + t.TABLE_SCHEMA + '].[' + t.TABLE_NAME + ']') AND sc.name = c.column_name LEFT JOIN sys.extended_properties prop ON prop.major_id = sc.object_id AND prop.minor_id = sc.column_id AND prop.name = 'MS_Description' WHERE t.TABLE_NAME = 'SqAs'
GO
SELECT TABLE_NAME, TABLE_SCHEMA FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE';
GO
ALTER TABLE [SqAs] ADD [nw] INTEGER DEFAULT 5;
GO
SELECT name FROM sys.default_constraints WHERE PARENT_OBJECT_ID = OBJECT_ID('[SqAs]', 'U') AND PARENT_COLUMN_ID = (SELECT column_id FROM sys.columns WHERE NAME = ('nw') AND object_id = OBJECT_ID('[SqAs]', 'U'));
GO
ALTER TABLE [SqAs] DROP CONSTRAINT [DF_sqas_20132];
GO
SELECT 1;
GO
SELECT SCHEMA_NAME() AS "schema_name"
GO
SELECT DB_NAME() AS "db_name"
GO
SELECT DISTINCT "TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_NAME" FROM "mydb"."INFORMATION_SCHEMA"."TABLES" WHERE "TABLE_TYPE" = 'BASE TABLE' AND "TABLE_CATALOG" = 'mydb' AND ("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_a') OR ("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_b')
GO
SELECT * FROM "mydb"."INFORMATION_SCHEMA"."TABLES" WHERE "TABLE_NAME" = @0 AND "TABLE_SCHEMA" = @1
GO
CREATE TABLE "to_a" ("id" int NOT NULL IDENTITY(1,1), "name" nvarchar(50) NOT NULL, "amt" decimal(10,2), "created" datetime2 NOT NULL CONSTRAINT "DF_dffb7d2aafd4c9f294d9ba1a2bc" DEFAULT getdate(), "ver" int NOT NULL, "u" uniqueidentifier, CONSTRAINT "UQ_5ee90071afbc1c8c4a897a54b03" UNIQUE ("name"), CONSTRAINT "PK_330559d67dc30c7f5b030302b60" PRIMARY KEY ("id"))
GO
CREATE INDEX "IDX_b8c5643439c66c5d0635bcdda6" ON "to_a" ("amt") 
GO
CREATE TABLE "to_b" ("id" uniqueidentifier NOT NULL CONSTRAINT "DF_b5a1f36926f8af32d17d7640acd" DEFAULT NEWSEQUENTIALID(), "t" nvarchar(MAX) NOT NULL, "aId" int, CONSTRAINT "PK_b5a1f36926f8af32d17d7640acd" PRIMARY KEY ("id"))
GO
ALTER TABLE "to_b" ADD CONSTRAINT "FK_378dcef665e597256dc8cbe14ab" FOREIGN KEY ("aId") REFERENCES "to_a"("id") ON DELETE CASCADE ON UPDATE NO ACTION
GO
DECLARE @OutputTable TABLE ("id" int, "created" datetime2, "ver" int);

INSERT INTO "to_a"("name", "amt", "created", "ver", "u") OUTPUT INSERTED."id", INSERTED."created", INSERTED."ver" INTO @OutputTable VALUES (@0, @1, DEFAULT, 1, DEFAULT);

SELECT * FROM @OutputTable
GO
SELECT "ToA"."id" AS "ToA_id", "ToA"."name" AS "ToA_name", "ToA"."amt" AS "ToA_amt", "ToA"."created" AS "ToA_created", "ToA"."ver" AS "ToA_ver", "ToA"."u" AS "ToA_u" FROM "to_a" "ToA" WHERE (("ToA"."name" = @0)) ORDER BY (SELECT NULL) OFFSET 0 ROWS FETCH NEXT 1 ROWS ONLY
GO
DECLARE @OutputTable TABLE ("id" uniqueidentifier);

INSERT INTO "to_b"("id", "t", "aId") OUTPUT INSERTED."id" INTO @OutputTable VALUES (DEFAULT, @0, @1);

SELECT * FROM @OutputTable
GO
SELECT DISTINCT "distinctAlias"."ToA_id" AS "ids_ToA_id", "distinctAlias"."ToA_id" FROM (SELECT "ToA"."id" AS "ToA_id", "ToA"."name" AS "ToA_name", "ToA"."amt" AS "ToA_amt", "ToA"."created" AS "ToA_created", "ToA"."ver" AS "ToA_ver", "ToA"."u" AS "ToA_u", "ToA__ToA_bs"."id" AS "ToA__ToA_bs_id", "ToA__ToA_bs"."t" AS "ToA__ToA_bs_t", "ToA__ToA_bs"."aId" AS "ToA__ToA_bs_aId" FROM "to_a" "ToA" LEFT JOIN "to_b" "ToA__ToA_bs" ON "ToA__ToA_bs"."aId"="ToA"."id" WHERE (("ToA"."name" = @0))) "distinctAlias" ORDER BY "distinctAlias"."ToA_id" ASC, "ToA_id" ASC OFFSET 0 ROWS FETCH NEXT 2 ROWS ONLY
GO
SELECT "ToA"."id" AS "ToA_id", "ToA"."name" AS "ToA_name", "ToA"."amt" AS "ToA_amt", "ToA"."created" AS "ToA_created", "ToA"."ver" AS "ToA_ver", "ToA"."u" AS "ToA_u", "ToA__ToA_bs"."id" AS "ToA__ToA_bs_id", "ToA__ToA_bs"."t" AS "ToA__ToA_bs_t", "ToA__ToA_bs"."aId" AS "ToA__ToA_bs_aId" FROM "to_a" "ToA" LEFT JOIN "to_b" "ToA__ToA_bs" ON "ToA__ToA_bs"."aId"="ToA"."id" WHERE ( (("ToA"."name" = @0)) ) AND ( "ToA"."id" IN (1) ) ORDER BY "ToA"."id" ASC
GO
SELECT COUNT(1) AS "cnt" FROM "to_a" "ToA"
GO
UPDATE "to_a" SET "amt" = @0, "ver" = "ver" + 1 WHERE "name" = @1
GO
DECLARE @OutputTable TABLE ("id" int, "created" datetime2, "ver" int);

MERGE INTO "to_a" "to_a" USING (VALUES (@0, @1, getdate(), NULL, NULL)) "mergeIntoSource" ("name", "amt", "created", "ver", "u") ON ("to_a"."name" = "mergeIntoSource"."name") WHEN MATCHED THEN UPDATE SET "to_a"."amt" = "mergeIntoSource"."amt" WHEN NOT MATCHED THEN INSERT("name", "amt", "created", "ver", "u") VALUES ("mergeIntoSource"."name", "mergeIntoSource"."amt", "mergeIntoSource"."created", "mergeIntoSource"."ver", "mergeIntoSource"."u") OUTPUT INSERTED."id", INSERTED."created", INSERTED."ver" INTO @OutputTable;;

SELECT * FROM @OutputTable
GO
SELECT "ToA"."id" AS "ToA_id", "ToA"."name" AS "ToA_name", "ToA"."amt" AS "ToA_amt", "ToA"."created" AS "ToA_created", "ToA"."ver" AS "ToA_ver", "ToA"."u" AS "ToA_u" FROM "to_a" "ToA" WHERE "ToA"."id" = @0
GO
DECLARE @OutputTable TABLE ("ver" int);

UPDATE "to_a" SET "amt" = @0, "ver" = "ver" + 1 OUTPUT INSERTED."ver" INTO @OutputTable WHERE "id" = @1;

SELECT * FROM @OutputTable
GO
DECLARE @OutputTable TABLE ("id" int, "created" datetime2, "ver" int);

INSERT INTO "to_a"("name", "amt", "created", "ver", "u") OUTPUT INSERTED."id", INSERTED."created", INSERTED."ver" INTO @OutputTable VALUES (@0, DEFAULT, DEFAULT, 1, DEFAULT);

SELECT * FROM @OutputTable
GO
DELETE FROM "to_a" WHERE "name" = @0
GO
SELECT "COLUMNS".*, "cc"."is_persisted", "cc"."definition" FROM "mydb"."INFORMATION_SCHEMA"."COLUMNS" LEFT JOIN "mydb"."sys"."computed_columns" "cc" ON COL_NAME("cc"."object_id", "cc"."column_id") = "COLUMN_NAME" AND OBJECT_NAME("cc"."object_id", DB_ID('mydb')) = "TABLE_NAME" AND OBJECT_SCHEMA_NAME("cc"."object_id", DB_ID('mydb')) = "TABLE_SCHEMA" WHERE (("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_a')OR("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_b'))
GO
SELECT "columnUsages".*, "tableConstraints"."CONSTRAINT_TYPE", "chk"."definition" FROM "mydb"."INFORMATION_SCHEMA"."CONSTRAINT_COLUMN_USAGE" "columnUsages" INNER JOIN "mydb"."INFORMATION_SCHEMA"."TABLE_CONSTRAINTS" "tableConstraints" ON "tableConstraints"."CONSTRAINT_NAME" = "columnUsages"."CONSTRAINT_NAME" AND "tableConstraints"."TABLE_SCHEMA" = "columnUsages"."TABLE_SCHEMA" AND "tableConstraints"."TABLE_NAME" = "columnUsages"."TABLE_NAME" LEFT JOIN "mydb"."sys"."check_constraints" "chk" ON "chk"."object_id" = OBJECT_ID("columnUsages"."TABLE_CATALOG" + '.' + "columnUsages"."TABLE_SCHEMA" + '.' + "columnUsages"."CONSTRAINT_NAME") WHERE (("columnUsages"."TABLE_SCHEMA" = 'dbo' AND "columnUsages"."TABLE_NAME" = 'to_a') OR ("columnUsages"."TABLE_SCHEMA" = 'dbo' AND "columnUsages"."TABLE_NAME" = 'to_b')) AND "tableConstraints"."CONSTRAINT_TYPE" IN ('PRIMARY KEY', 'UNIQUE', 'CHECK')
GO
SELECT "fk"."name" AS "FK_NAME", 'mydb' AS "TABLE_CATALOG", "s1"."name" AS "TABLE_SCHEMA", "t1"."name" AS "TABLE_NAME", "col1"."name" AS "COLUMN_NAME", "s2"."name" AS "REF_SCHEMA", "t2"."name" AS "REF_TABLE", "col2"."name" AS "REF_COLUMN", "fk"."delete_referential_action_desc" AS "ON_DELETE", "fk"."update_referential_action_desc" AS "ON_UPDATE" FROM "mydb"."sys"."foreign_keys" "fk" INNER JOIN "mydb"."sys"."foreign_key_columns" "fkc" ON "fkc"."constraint_object_id" = "fk"."object_id" INNER JOIN "mydb"."sys"."tables" "t1" ON "t1"."object_id" = "fk"."parent_object_id" INNER JOIN "mydb"."sys"."schemas" "s1" ON "s1"."schema_id" = "t1"."schema_id" INNER JOIN "mydb"."sys"."tables" "t2" ON "t2"."object_id" = "fk"."referenced_object_id" INNER JOIN "mydb"."sys"."schemas" "s2" ON "s2"."schema_id" = "t2"."schema_id" INNER JOIN "mydb"."sys"."columns" "col1" ON "col1"."column_id" = "fkc"."parent_column_id" AND "col1"."object_id" = "fk"."parent_object_id" INNER JOIN "mydb"."sys"."columns" "col2" ON "col2"."column_id" = "fkc"."referenced_column_id" AND "col2"."object_id" = "fk"."referenced_object_id" WHERE (("s1"."name" = 'dbo' AND "t1"."name" = 'to_a') OR ("s1"."name" = 'dbo' AND "t1"."name" = 'to_b'))
GO
SELECT "TABLE_CATALOG", "TABLE_SCHEMA", "COLUMN_NAME", "TABLE_NAME" FROM "mydb"."INFORMATION_SCHEMA"."COLUMNS" WHERE EXISTS(SELECT 1 FROM "mydb"."sys"."columns" "S" WHERE OBJECT_ID("TABLE_CATALOG" + '.' + "TABLE_SCHEMA" + '.' + "TABLE_NAME") = "S"."OBJECT_ID" AND "COLUMN_NAME" = "S"."NAME" AND "S"."is_identity" = 1) AND (("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_a') OR ("TABLE_SCHEMA" = 'dbo' AND "TABLE_NAME" = 'to_b'))
GO
SELECT "NAME", "COLLATION_NAME" FROM "sys"."databases"
GO
SELECT 'mydb' AS "TABLE_CATALOG", "s"."name" AS "TABLE_SCHEMA", "t"."name" AS "TABLE_NAME", "ind"."name" AS "INDEX_NAME", "col"."name" AS "COLUMN_NAME", "ind"."is_unique" AS "IS_UNIQUE", "ind"."filter_definition" as "CONDITION" FROM "mydb"."sys"."indexes" "ind" INNER JOIN "mydb"."sys"."index_columns" "ic" ON "ic"."object_id" = "ind"."object_id" AND "ic"."index_id" = "ind"."index_id" INNER JOIN "mydb"."sys"."columns" "col" ON "col"."object_id" = "ic"."object_id" AND "col"."column_id" = "ic"."column_id" INNER JOIN "mydb"."sys"."tables" "t" ON "t"."object_id" = "ind"."object_id" INNER JOIN "mydb"."sys"."schemas" "s" ON "s"."schema_id" = "t"."schema_id" WHERE "ind"."is_primary_key" = 0 AND "ind"."is_unique_constraint" = 0 AND "t"."is_ms_shipped" = 0 AND (("s"."name" = 'dbo' AND "t"."name" = 'to_a') OR ("s"."name" = 'dbo' AND "t"."name" = 'to_b'))
GO
ALTER TABLE "to_b" DROP CONSTRAINT "fk_378dcef665e597256dc8cbe14ab"
GO
DROP INDEX "idx_b8c5643439c66c5d0635bcdda6t1c3c33fec6dfdd6cc9edb7c5b97c5c1d" ON "to_a"
GO
