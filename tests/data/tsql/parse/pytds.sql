insert into o3(n,d,dt,u,b,f,bt) values(@P1,@P2,@P3,@P4,@P5,@P6,@P7)
GO
insert into o3(n) values(@P1)
GO
