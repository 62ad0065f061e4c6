if object_id('dbo.g1') is not null drop table dbo.g1
GO
create table dbo.g1(id int identity(1,1) primary key, n nvarchar(50) not null, d decimal(10,2), dt datetime2, u uniqueidentifier, b varbinary(max), f float, bt bit)
GO
insert into g1(n,d,dt,u,b,f,bt) values(@p1,@p2,@p3,@p4,@p5,@p6,@p7)
GO
insert into g1(n,dt) values(@n,@d)
GO
insert into g1(n) output inserted.id values(@p1)
GO
select n from g1 where id=@p1
GO
delete g1
GO
set @o = 'abc'
GO
select 1; select 2
GO
select * from nosuch
GO
SET FMTONLY ON
GO
select * from g1 SET FMTONLY OFF
GO
INSERT BULK g1 ([n] nvarchar(50), [f] float) 
GO
