insert into o1(n,f,d) values(@P1,@P2,@P3)
GO
select * from o1 where n=@P1 and d is null
GO
set nocount on; declare @x int = 5; select @x; select @x+1
GO
print 'hi'
GO
raiserror('boo',16,1)
GO
insert into o1(n) values(N'q')
GO
 SET TRANSACTION ISOLATION LEVEL SERIALIZABLE 
GO
