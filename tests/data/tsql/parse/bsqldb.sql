create table bc(id int, n varchar(20))
GO
set textsize 4096 
GO
SET FMTONLY ON select * from mydb.dbo.bc SET FMTONLY OFF
GO
insert bulk mydb.dbo.bc ([id] INT, [n] VARCHAR(20))
GO
select * from mydb.dbo.bc
GO
 select	c.text, number  from syscomments c,      sysobjects o where	o.id = c.id and		o.name = 'bc' and		o.uid = user_id('dbo') and		o.type not in ('U', 'S') order by 	c.number, c.colid
GO
