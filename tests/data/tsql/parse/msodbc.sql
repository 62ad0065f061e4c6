select 1 as a
GO
if object_id('dbo.o1') is not null drop table dbo.o1
GO
create table dbo.o1(id int identity(1,1) primary key, n nvarchar(50) not null, d decimal(10,2), dt datetime2, u uniqueidentifier, b varbinary(max), f float, bt bit)
GO
insert into o1(n,d,dt,u,b,f,bt) output inserted.id values(@P1,@P2,@P3,@P4,@P5,@P6,@P7)
GO
insert into o1(n,d) values(@P1,@P2)
GO
insert into o1(n,f) values(@P1,@P2)
GO
select @@identity, scope_identity()
GO
select * from o1 where id=@P1
GO
select * from o1 where n=@P1 and id>@P2
GO
update o1 set n=@P1 where id=@P2
GO
select @P1
GO
