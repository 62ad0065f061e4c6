insert into o4(n,d,dt,u,b,f,bt) output inserted.* values(@n,@d,@dt,@u,@b,@f,@bt)
GO
select @i,@big,@s
GO
select @x
GO
select * from o4 where id=@id
GO
set @o = 5
GO
insert o4(n) values('tx')
GO
insert bulk o4([n] nvarchar(50), [f] float)
GO
