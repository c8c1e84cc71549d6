"""The rate budgets of legacy systems, shared by the processes of a machine: who leads, who asks, what people see."""
