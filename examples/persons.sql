CREATE TABLE Persons (ID int NOT NULL PRIMARY KEY IDENTITY, FirstName varchar(255), LastName varchar(255));
INSERT INTO Persons (FirstName, LastName) VALUES ('Ada', 'Lovelace'), ('Alan', 'Turing'), ('Edgar', 'Codd');
GO
CREATE USER [MigrationIdentity] FROM EXTERNAL PROVIDER;
ALTER ROLE db_datareader ADD MEMBER [MigrationIdentity];
ALTER ROLE db_datawriter ADD MEMBER [MigrationIdentity];
ALTER ROLE db_ddladmin ADD MEMBER [MigrationIdentity];
GO
CREATE USER [dev@contoso.example] FROM EXTERNAL PROVIDER;
ALTER ROLE db_datareader ADD MEMBER [dev@contoso.example];
ALTER ROLE db_datawriter ADD MEMBER [dev@contoso.example];
ALTER ROLE db_ddladmin ADD MEMBER [dev@contoso.example];
GO
CREATE USER [reader@contoso.example] FROM EXTERNAL PROVIDER;
ALTER ROLE db_datareader ADD MEMBER [reader@contoso.example];
GO
