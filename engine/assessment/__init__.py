"""engine/assessment"""
