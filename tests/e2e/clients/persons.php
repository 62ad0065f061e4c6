<?php
// SPDX-License-Identifier: MIT
// PHP's odbc and PDO_ODBC on the connection string of the tutorial: no user, no password, no token.
$string = $argv[1];
$c = odbc_connect($string, '', '', SQL_CUR_USE_DRIVER) or exit(odbc_errormsg() . "\n");
$r = odbc_exec($c, 'SELECT ID, FirstName, LastName FROM Persons ORDER BY ID');
while ($row = odbc_fetch_array($r)) {
    echo implode('|', $row), "\n";
}
// odbc_prepare() needs SQLDescribeParam, which FreeTDS does not have: parameters go through PDO.
$t = odbc_tables($c, null, null, 'Persons');
while (odbc_fetch_row($t)) {
    echo 'table ', odbc_result($t, 'TABLE_NAME'), "\n";
}
if (!@odbc_exec($c, 'SELECT * FROM nosuch')) {
    echo 'error ', odbc_errormsg($c), "\n";
}
odbc_close($c);
$p = new PDO('odbc:' . $string);
$s = $p->prepare('SELECT LastName FROM Persons WHERE FirstName = ?');
$s->execute(['Ada']);
echo 'parameter ', $s->fetchColumn(), "\n";
$s->closeCursor();
$p->beginTransaction();
$p->prepare('INSERT INTO Persons (FirstName, LastName) VALUES (?, ?)')->execute(['Grace', 'Hopper']);
echo 'inside ', $p->query('SELECT COUNT(*) FROM Persons')->fetchColumn(), "\n";
$p->rollBack();
echo 'after ', $p->query('SELECT COUNT(*) FROM Persons')->fetchColumn(), "\n";
