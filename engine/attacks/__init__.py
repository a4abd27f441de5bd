"""engine/attacks"""
