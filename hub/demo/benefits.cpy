      * The nightly extract of benefit payments, 200 bytes a record.
       01  BENEFIT-RECORD.
           05  BEN-RESIDENT-ID          PIC 9(10).
           05  BEN-PAYMENT-ID           PIC X(12).
           05  BEN-NAME                 PIC X(30).
           05  BEN-STREET               PIC X(30).
           05  BEN-CITY                 PIC X(20).
           05  BEN-KIND                 PIC X(02).
           05  BEN-OFFICE               PIC 9(04).
           05  BEN-PERIOD.
               10  BEN-YEAR             PIC 9(04).
               10  BEN-MONTH            PIC 9(02).
           05  BEN-PAID-ON              PIC X(10).
           05  BEN-AMOUNT               PIC S9(7)V99 COMP-3.
           05  BEN-DEDUCTION            PIC S9(7)V99 COMP-3.
           05  BEN-BALANCE              PIC S9(9)V99.
           05  BEN-CHILDREN             PIC 9(04)    COMP.
           05  BEN-CURRENCY             PIC X(03).
           05  FILLER                   PIC X(50).
